// A listening test's behaviour; its elements are written by listening/mushra.py. What plays the
// sounds of a trial is a player, whose versions are the reference and the sounds under the letters.
if (!customElements.get("tu-listening")) {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`/* shadow.css *//* listening.css */`);
  const WORDS = ["bad", "poor", "fair", "good", "excellent"];

  const letterOf = (i) => String.fromCharCode(65 + i);
  const wordOf = (score) => WORDS[Math.min(Math.floor(score / 20), 4)];
  const make = (tag, settings) => Object.assign(document.createElement(tag), settings);
  const shuffled = (count) => {
    const order = [...Array(count).keys()];
    for (let i = count - 1; i > 0; i--) {
      const j = Math.floor(Math.random() * (i + 1));
      [order[i], order[j]] = [order[j], order[i]];
    }
    return order;
  };
  const cell = (value) => (/[",\n\r]/.test(value) ? `"${value.replaceAll('"', '""')}"` : `${value}`);

  class Listening extends HTMLElement {
    // As in player.js: before its content is read, the script that follows the content mounts it.
    connectedCallback() {
      if (this.firstElementChild) this.mount();
    }

    mount() {
      if (this.data) return;
      this.data = JSON.parse(this.querySelector(":scope > script").textContent);
      this.root = this.attachShadow({ mode: "open" });
      this.root.adoptedStyleSheets = [sheet];
      this.root.append(this.querySelector("template").content.cloneNode(true));
      const on = (part, event, action) => this.part(part).addEventListener(event, action);
      on("start", "submit", (event) => this.onStart(event));
      on("next", "click", () => this.onNext());
      on("again", "click", () => this.onAgain());
      on("save", "click", () => this.keep({ saved: true }));
      this.root.addEventListener("keydown", (event) => this.onKey(event));
      this.session = this.kept(); // who takes part, in which order, and what was answered so far
      this.volume = 100;
      this.show();
    }

    part(name) {
      return this.root.querySelector(`.tu-${name}`);
    }
    say(text) {
      this.part("said").textContent = text;
    }

    // An unfinished test is kept where the browser allows it; elsewhere it lives as long as the page.
    kept() {
      try {
        return JSON.parse(localStorage.getItem(`tu-listening ${this.data.mark}`));
      } catch {
        return null;
      }
    }
    keep(changes) {
      this.session = changes && { ...this.session, ...changes };
      try {
        const name = `tu-listening ${this.data.mark}`;
        if (this.session) localStorage.setItem(name, JSON.stringify(this.session));
        else localStorage.removeItem(name);
      } catch {}
    }

    show() {
      const { trials } = this.data;
      const step = this.session?.answers.length ?? -1;
      this.part("start").hidden = step >= 0;
      this.part("trials").hidden = step < 0 || step >= trials.length;
      this.part("end").hidden = step < trials.length;
      const inside = step >= 0 && step < trials.length;
      this.part("progress").textContent = inside ? `Trial ${step + 1} of ${trials.length}` : "";
      this.part("stage").replaceChildren();
      this.player = null;
      this.say("");
      if (inside) this.showTrial(step);
      else if (step >= 0) this.showEnd();
    }

    onStart(event) {
      event.preventDefault();
      const participant = this.part("start").elements.participant.value.trim();
      if (!participant) return this.say("Give a name or a number, so that your answers can be told apart.");
      const order = shuffled(this.data.trials.length);
      const letters = this.data.trials.map(({ conditions }) => shuffled(conditions.length));
      this.keep({ participant, order, letters, answers: [], saved: false });
      this.show();
      this.part("letter").focus();
    }

    showTrial(step) {
      const trial = this.session.order[step];
      const letters = this.session.letters[trial];
      const element = this.querySelectorAll(":scope > .tu-trial")[trial].content.cloneNode(true);
      const script = element.querySelector("script");
      const data = JSON.parse(script.textContent);
      data.tracks[0] = [0, ...letters.map((i) => data.tracks[0][i + 1])];
      script.textContent = JSON.stringify(data);
      this.ratings = letters.map(() => null);
      this.heard = new Set();
      this.began = Date.now();
      const names = ["Reference", ...letters.map((_, i) => letterOf(i))];
      this.rows = names.map((name, choice) => this.row(name, choice));
      this.part("ratings").replaceChildren(...this.rows);
      this.part("next").textContent = step + 1 < this.data.trials.length ? "Next" : "Finish";
      this.part("stage").append(element);
      this.player = this.part("stage").querySelector("tu-player");
      this.player.loop.on = true;
      const volume = this.player.root.querySelector(".tu-volume");
      volume.value = this.volume;
      this.player.onVolume({ target: volume });
      this.player.addEventListener("tu-change", () => this.update());
      this.update();
    }

    row(name, choice) {
      const row = make("div", { className: "tu-row" });
      const button = make("button", { type: "button", className: "tu-letter", textContent: name });
      button.title = `Listen to it (${choice})`;
      button.addEventListener("click", () => this.choose(choice));
      row.append(button);
      if (choice === 0) return row;
      const slider = make("input", { type: "range", className: "tu-slider", max: 100, value: 50 });
      slider.setAttribute("aria-label", `Rating of ${name}`);
      // What is rated is what is heard; a click on the middle, which changes nothing, rates it, too.
      for (const event of ["input", "click"]) {
        slider.addEventListener(event, () => {
          this.ratings[choice - 1] = Number(slider.value);
          this.player.choose(choice);
        });
      }
      row.append(slider, make("output"));
      return row;
    }

    choose(choice) {
      this.player.choose(choice);
      if (!this.player.run) this.player.play();
    }

    update() {
      const { choice, run } = this.player;
      this.volume = 100 * this.player.tracks[0].volume;
      if (run) this.heard.add(choice);
      this.rows.forEach((row, i) => {
        row.querySelector("button").setAttribute("aria-pressed", i === choice);
        if (i === 0) return;
        const rating = this.ratings[i - 1];
        const slider = row.querySelector("input");
        row.toggleAttribute("data-unrated", rating === null);
        row.querySelector("output").textContent = rating ?? "–";
        const text = rating === null ? "not rated" : `${rating}, ${wordOf(rating)}`;
        slider.setAttribute("aria-valuetext", text);
        slider.style.setProperty("--filled", `${rating ?? 0}%`);
      });
    }

    onNext() {
      const missing = (test) => this.ratings.map((_, i) => i).filter(test).map(letterOf).join(", ");
      const unheard = missing((i) => !this.heard.has(i + 1));
      const unrated = missing((i) => this.ratings[i] === null);
      if (unheard) return this.say(`Listen to ${unheard} first.`);
      if (unrated) return this.say(`Rate ${unrated} first.`);
      const { order, answers } = this.session;
      const seconds = Math.round((Date.now() - this.began) / 1000);
      this.keep({ answers: [...answers, { trial: order[answers.length], scores: this.ratings, seconds }] });
      this.show();
      (this.player ? this.part("letter") : this.part("save")).focus();
    }

    // One row per rating; listening/answers.py reads them.
    rowsOfAnswers() {
      return this.session.answers.flatMap(({ trial, scores, seconds }, i) => {
        const { name, conditions } = this.data.trials[trial];
        return this.session.letters[trial].map((condition, letter) => ({
          test: this.data.name,
          participant: this.session.participant,
          trial: name,
          place: i + 1,
          letter: letterOf(letter),
          condition: conditions[condition],
          score: scores[letter],
          seconds,
        }));
      });
    }

    showEnd() {
      const rows = this.rowsOfAnswers();
      const line = (tag, values) => {
        const row = make("tr");
        row.append(...values.map((value) => make(tag, { textContent: value })));
        return row;
      };
      const head = make("thead");
      const body = make("tbody");
      head.append(line("th", ["Trial", "Letter", "What it was", "Your rating"]));
      body.append(...rows.map((row) => line("td", [row.trial, row.letter, row.condition, row.score])));
      this.part("result").replaceChildren(head, body);
      const text = [Object.keys(rows[0]), ...rows.map(Object.values)].map((row) => row.map(cell).join(","));
      // The mark at the beginning tells spreadsheets that it is UTF-8.
      const file = new Blob(["\ufeff", text.join("\n"), "\n"], { type: "text/csv" });
      const save = this.part("save");
      URL.revokeObjectURL(save.href);
      save.href = URL.createObjectURL(file);
      const name = `${this.data.name} ${this.session.participant}`;
      save.download = `${name.replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "")}.csv`;
    }

    onAgain() {
      if (this.session.saved || this.sure) {
        this.sure = false;
        this.keep(null);
        this.show();
        return this.part("start").elements.participant.focus();
      }
      this.sure = true;
      this.say("These answers are not saved yet. Save them first, or press again to throw them away.");
    }

    // Keys of the player work on the whole page of a trial; digits choose what is heard.
    onKey(event) {
      if (!this.player || event.defaultPrevented) return;
      if (event.ctrlKey || event.altKey || event.metaKey) return;
      if (!/^\d$/.test(event.key)) return this.player.onKey(event);
      if (Number(event.key) >= this.rows.length) return;
      event.preventDefault();
      event.stopPropagation();
      this.choose(Number(event.key));
    }
  }
  customElements.define("tu-listening", Listening);
}
// One that is being inserted at this moment is no test yet, and mounts when it is.
for (const listening of document.querySelectorAll("tu-listening")) listening.mount?.();
