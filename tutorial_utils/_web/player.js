// The multitrack player's behaviour; its elements are written by player.py. The script comes with
// every player of a page, for each must work alone, and defines the element once.
if (!customElements.get("tu-player")) {
  // What the players of a page share: one clock to start all sound by, and who is playing.
  const page = { context: null, playing: null };
  const FADE = 0.008; // seconds; quicker changes of level are heard as clicks
  const AHEAD = 0.03; // seconds from the order to play to the first sample
  const MP3_DELAY = 1105; // samples that encoding and decoding put in front of the sound

  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`/* shadow.css *//* player.css */`);

  const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
  const clock = (seconds) => {
    const tenths = Math.round(seconds * 10);
    return `${Math.floor(tenths / 600)}:${((tenths % 600) / 10).toFixed(1).padStart(4, "0")}`;
  };

  class Player extends HTMLElement {
    // A page that is still being read makes the element before its content; then the script that
    // follows the content calls mount. Where it is inserted whole, as in Jupyter, this does.
    connectedCallback() {
      if (this.firstElementChild) this.mount();
    }
    disconnectedCallback() {
      if (this.data) this.pause();
    }

    mount() {
      if (this.data) return;
      this.data = JSON.parse(this.querySelector("script").textContent);
      // In a shadow root the player looks the same on every page, whatever the page's style.
      this.root = this.attachShadow({ mode: "open" });
      this.root.adoptedStyleSheets = [sheet];
      this.root.append(this.querySelector("template").content.cloneNode(true));
      this.duration = this.data.samples / this.data.rate;
      this.choice = 0; // which of the versions is heard
      this.cursor = 0; // where it stands while nothing plays, in seconds
      this.held = null; // where the pointer holds the cursor
      this.loop = { on: false, start: 0, end: this.duration };
      this.run = null; // what plays now: its sources and gains, since when, from where
      const rows = this.root.querySelectorAll(".tu-track");
      this.tracks = this.data.tracks.map((files, i) => {
        return { row: rows[i], files, solo: false, mute: false, volume: 1 };
      });
      this.choices = [...this.root.querySelectorAll(".tu-choices button")];
      this.calm = matchMedia("(prefers-reduced-motion: reduce)");
      this.root.addEventListener("click", (event) => this.onClick(event));
      this.root.addEventListener("input", (event) => this.onVolume(event));
      this.root.addEventListener("pointerdown", (event) => this.onPointer(event));
      this.addEventListener("keydown", this.onKey); // on itself, which can have the focus, too
      this.update();
    }

    trackOf(element) {
      return this.tracks.find(({ row }) => row.contains(element));
    }

    // Decoding in a context of the tracks' own sample rate leaves their samples where they are.
    decode() {
      const { rate, samples, files } = this.data;
      const decoder = new OfflineAudioContext(1, 1, rate);
      this.decoded ??= Promise.all(
        files.map(async (file) => {
          const bytes = Uint8Array.from(atob(file), (character) => character.charCodeAt(0));
          const buffer = await decoder.decodeAudioData(bytes.buffer);
          if (buffer.length === samples) return buffer;
          // A decoder that does not know how much silence the format adds returns that as well.
          const first = buffer.length >= samples + MP3_DELAY ? MP3_DELAY : 0;
          const whole = decoder.createBuffer(buffer.numberOfChannels, samples, rate);
          for (let i = 0; i < buffer.numberOfChannels; i++) {
            whole.copyToChannel(buffer.getChannelData(i).subarray(first), i);
          }
          return whole;
        }),
      );
      return this.decoded;
    }

    isHeard(track) {
      const present = this.tracks.filter(({ files }) => files[this.choice] !== null);
      const chosen = track.solo || !present.some((other) => other.solo);
      return present.includes(track) && chosen && !track.mute;
    }

    // The gain of each file. All versions play all the time, those not chosen in silence, so that
    // switching between them moves gains and leaves no gap.
    levels() {
      const levels = this.data.files.map(() => 0);
      for (const track of this.tracks.filter((each) => this.isHeard(each))) {
        levels[track.files[this.choice]] = track.volume;
      }
      return levels;
    }

    // All sources start at the same sample of the same clock, so they cannot drift apart.
    connect(context, buffers, when, from) {
      const master = new GainNode(context, { gain: 0 });
      master.gain.setTargetAtTime(1, when, FADE / 4);
      master.connect(context.destination);
      const gains = this.levels().map((gain) => new GainNode(context, { gain }));
      const { on, start, end } = this.loop;
      const sources = buffers.map((buffer, i) => {
        const options = { buffer, loop: on, loopStart: start, loopEnd: end };
        const source = new AudioBufferSourceNode(context, options);
        source.connect(gains[i]).connect(master);
        source.start(when, from);
        return source;
      });
      return { when, from, master, gains, sources, loop: this.loop };
    }

    async play() {
      if (page.playing !== this) page.playing?.pause();
      page.playing = this;
      page.context ??= new AudioContext();
      const run = (this.run = {});
      const awake = page.context.resume(); // before any wait: it needs the reader's click
      this.update(this.decoded ? "" : "Decoding the sound …");
      try {
        const buffers = await this.decode();
        await awake;
        if (this.run !== run) return; // stopped meanwhile
        const from = this.cursor < this.duration ? this.cursor : 0;
        const when = page.context.currentTime + AHEAD;
        Object.assign(run, this.connect(page.context, buffers, when, from));
        run.sources[0].onended = () => this.run === run && this.stop(0);
        this.update("");
        this.tick();
      } catch (error) {
        if (this.run === run) this.run = null;
        this.update(`This browser could not play the sound: ${error.message}`);
      }
    }

    stop(cursor) {
      const run = this.run;
      this.run = null;
      this.cursor = cursor;
      run?.master?.gain.setTargetAtTime(0, page.context.currentTime, FADE);
      run?.sources?.forEach((source) => source.stop(page.context.currentTime + 8 * FADE));
      this.update();
    }

    pause() {
      if (this.run) this.stop(this.position);
    }

    get position() {
      if (!this.run?.sources) return this.cursor;
      const { when, from, loop } = this.run;
      const delay = page.context.outputLatency || 0; // from the clock to the ear
      const at = from + Math.max(0, page.context.currentTime - delay - when);
      if (!loop.on || at < loop.end) return Math.min(at, this.duration);
      return loop.start + ((at - loop.start) % (loop.end - loop.start));
    }

    seek(seconds) {
      const { on, start, end } = this.loop;
      const outside = on && (seconds < start || seconds >= end);
      const wasPlaying = this.run;
      this.stop(outside ? start : clamp(seconds, 0, this.duration));
      if (wasPlaying && this.cursor < this.duration) this.play();
    }

    // A region shorter than a twentieth of a second is a slip of the hand: it becomes the whole.
    setLoop(on, from = this.loop.start, to = this.loop.end) {
      const whole = Math.abs(to - from) < 0.05;
      const [start, end] = whole ? [0, this.duration] : [Math.min(from, to), Math.max(from, to)];
      const now = this.position;
      this.loop = { on, start, end };
      this.seek(now);
    }

    choose(choice) {
      if (choice >= 0 && choice < this.tracks[0].files.length) this.choice = choice;
      this.update();
    }

    // To solo or mute a track that has no part in what is heard asks for what it has a part in.
    flip(track, what) {
      if (track.row.querySelector(`.tu-${what}`)) track[what] = !track[what];
      const part = track.files.findIndex((file) => file !== null);
      this.choose(track.files[this.choice] === null ? part : this.choice);
    }

    update(status = this.root.querySelector(".tu-status").textContent) {
      if (this.run?.gains) {
        const [levels, now] = [this.levels(), page.context.currentTime];
        this.run.gains.forEach(({ gain }, i) => gain.setTargetAtTime(levels[i], now, FADE));
      }
      const at = this.held ?? this.position;
      const set = (within, part, name, value) =>
        within.querySelector(`.tu-${part}`)?.setAttribute(`aria-${name}`, value);
      for (const track of this.tracks) {
        const shown = track.files[this.choice] ?? track.files.find((file) => file !== null);
        for (const picture of track.row.querySelectorAll(".tu-picture[data-file]")) {
          picture.hidden = Number(picture.dataset.file) !== shown;
        }
        set(track.row, "solo", "pressed", track.solo);
        set(track.row, "mute", "pressed", track.mute);
        track.row.toggleAttribute("data-silent", !this.isHeard(track));
      }
      this.choices.forEach((button, i) => button.setAttribute("aria-pressed", i === this.choice));
      set(this.root, "play", "label", this.run ? "Pause" : "Play");
      set(this.root, "loop", "pressed", this.loop.on);
      set(this.root, "ruler", "valuenow", at.toFixed(1));
      set(this.root, "ruler", "valuetext", `${clock(at)} of ${clock(this.duration)}`);
      this.toggleAttribute("data-playing", this.run !== null);
      this.root.querySelector(".tu-status").textContent = status;
      this.showLoop(this.loop.on, this.loop.start, this.loop.end);
      this.show(at);
      this.dispatchEvent(new Event("tu-change")); // for an element that the player is a part of
    }
    showLoop(on, from, to) {
      this.toggleAttribute("data-looping", on);
      this.style.setProperty("--loop-start", Math.min(from, to) / this.duration);
      this.style.setProperty("--loop-end", Math.max(from, to) / this.duration);
    }
    show(seconds) {
      this.style.setProperty("--position", seconds / this.duration);
      this.root.querySelector(".tu-now").textContent = clock(seconds);
    }

    tick() {
      clearTimeout(this.timer);
      cancelAnimationFrame(this.frame);
      if (!this.run) return;
      this.show(this.held ?? this.position);
      if (this.calm.matches) this.timer = setTimeout(() => this.tick(), 500);
      else this.frame = requestAnimationFrame(() => this.tick());
    }

    onClick({ target, detail }) {
      const button = target.closest("button");
      if (!button) return;
      const track = this.trackOf(button);
      if (button.matches(".tu-play")) this.run ? this.pause() : this.play();
      else if (button.matches(".tu-loop")) this.setLoop(!this.loop.on);
      else if (track) this.flip(track, button.matches(".tu-solo") ? "solo" : "mute");
      else this.choose(this.choices.indexOf(button));
      // After a click with the pointer the keys belong to the player again, not to this button.
      if (detail > 0) (track?.row ?? this).focus({ preventScroll: true });
    }

    onVolume({ target }) {
      this.trackOf(target).volume = target.value / 100;
      target.style.setProperty("--filled", `${target.value}%`);
      this.update();
    }

    // A lane moves the cursor; so does the ruler when clicked, but dragging on it marks a loop.
    onPointer(down) {
      const area = down.target.closest(".tu-lane, .tu-ruler");
      if (!area || down.button !== 0) return;
      const { left, width } = area.getBoundingClientRect();
      const at = ({ clientX }) => clamp((clientX - left) / width, 0, 1) * this.duration;
      const marks = ({ clientX }) => area.matches(".tu-ruler") && Math.abs(clientX - down.clientX) > 4;
      const move = (event) => {
        if (marks(event)) this.showLoop(true, at(down), at(event));
        else this.show((this.held = at(event)));
      };
      const end = (event) => {
        area.onpointermove = area.onpointerup = area.onpointercancel = this.held = null;
        if (event.type === "pointercancel") this.update();
        else if (marks(event)) this.setLoop(true, at(down), at(event));
        else this.seek(at(event));
      };
      area.setPointerCapture(down.pointerId);
      Object.assign(area, { onpointermove: move, onpointerup: end, onpointercancel: end });
      move(down);
    }

    onKey(event) {
      const { key } = event;
      const target = event.composedPath()[0]; // the event itself names the player
      // A volume control keeps its arrows, and a button the keys that press it.
      const kept = target.matches("input") ? /^(Arrow|Home|End|Page)/ : /^( |Enter)$/;
      if (event.ctrlKey || event.altKey || event.metaKey) return;
      if (target.matches("input, button") && kept.test(key)) return;
      const [now, step] = [this.position, event.shiftKey ? 0.1 : 1];
      const row = this.tracks.indexOf(this.trackOf(target)); // -1 on the player itself
      const track = this.tracks[Math.max(row, 0)];
      const go = (to) => this.tracks[clamp(to, 0, this.tracks.length - 1)].row.focus();
      const actions = {
        " ": () => (this.run ? this.pause() : this.play()),
        ArrowLeft: () => this.seek(now - step),
        ArrowRight: () => this.seek(now + step),
        Home: () => this.seek(0),
        End: () => this.seek(this.duration),
        ArrowUp: () => go(row - 1),
        ArrowDown: () => go(row + 1),
        s: () => this.flip(track, "solo"),
        m: () => this.flip(track, "mute"),
        l: () => this.setLoop(!this.loop.on),
        "[": () => this.setLoop(true, now, this.loop.end),
        "]": () => this.setLoop(true, this.loop.start, now),
      };
      const action = actions[key] ?? (this.choices[key - 1] && (() => this.choose(key - 1)));
      if (!action) return;
      event.preventDefault();
      event.stopPropagation();
      action();
    }
  }
  customElements.define("tu-player", Player);
}
// One that is being inserted at this moment is no player yet, and mounts when it is.
for (const player of document.querySelectorAll("tu-player")) player.mount?.();
