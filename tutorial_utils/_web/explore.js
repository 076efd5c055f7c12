// Explorable figures without a kernel: the controls choose which of the prepared frames is shown,
// and which of the prepared sounds is heard. The elements are written by widgets.py.
if (!customElements.get("tu-explore")) {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`/* shadow.css *//* explore.css */`);

  class Explore extends HTMLElement {
    // As in player.js: before its content is read, the script that follows the content mounts it.
    connectedCallback() {
      if (this.firstElementChild) this.mount();
    }

    mount() {
      if (this.controls) return;
      customElements.upgrade(this); // where all is inserted at once, its players are none yet
      // The controls look the same on every page; the frames, which are slotted, are the page's.
      const root = this.attachShadow({ mode: "open" });
      root.adoptedStyleSheets = [sheet];
      root.append(this.querySelector("template").content.cloneNode(true));
      this.controls = [...root.querySelectorAll(".tu-control")].map((control) => {
        const labels = JSON.parse(control.dataset.values);
        return { input: control.querySelector("input, select"), labels, control };
      });
      root.querySelector(".tu-controls").addEventListener("input", () => this.update());
      this.update();
    }

    // The frames are in the order of the controls' values, the last control's changing fastest.
    update() {
      let frame = 0;
      for (const { input, labels, control } of this.controls) {
        frame = frame * labels.length + Number(input.value);
        const label = labels[input.value];
        const output = control.querySelector("output");
        if (!output) continue; // a list says itself what is chosen
        output.textContent = label;
        input.setAttribute("aria-valuetext", label);
        input.style.setProperty("--filled", `${(100 * input.value) / (labels.length - 1)}%`);
      }
      const frames = this.querySelectorAll(".tu-frame");
      frames.forEach((each, i) => (each.hidden = i !== frame));
      for (const player of this.querySelectorAll(":scope > .tu-sounds > tu-player")) player.choose(frame);
      // Players inside a frame go with it: where one was playing, its successor goes on.
      const successors = frames[frame].querySelectorAll("tu-player");
      frames[this.frame ?? frame].querySelectorAll("tu-player").forEach((player, i) => {
        if (!player.run || this.frame === frame) return;
        player.pause();
        successors[i]?.seek(player.cursor);
        successors[i]?.play();
      });
      this.frame = frame;
    }
  }
  customElements.define("tu-explore", Explore);
}
// One that is being inserted at this moment is no explore yet, and mounts when it is.
for (const explore of document.querySelectorAll("tu-explore")) explore.mount?.();
