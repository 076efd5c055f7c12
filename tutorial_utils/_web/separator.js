// A song of the reader's own, separated in the page. The elements are written by inpage.py; the
// network runs in a worker, whose script and weights the page holds. Nothing is sent anywhere.
if (!customElements.get("tu-separator")) {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`/* shadow.css *//* separator.css */`);

  const MOST = 600; // seconds: what a page has the memory for
  const COLUMNS = 320; // of a waveform, as in lanes.py
  const STEPS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300]; // of the ruler

  const minutes = (seconds) => {
    const whole = Math.round(seconds);
    return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
  };
  const bytesOf = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));

  // How long a file is, in seconds, before all of it is decoded; infinite where it does not say.
  const durationOf = (file) =>
    new Promise((resolve, reject) => {
      const media = new Audio();
      const address = URL.createObjectURL(file);
      const done = (action) => (URL.revokeObjectURL(address), action());
      media.onloadedmetadata = () => done(() => resolve(media.duration));
      media.onerror = () => done(reject);
      media.preload = "metadata";
      media.src = address;
    });

  class Separator extends HTMLElement {
    // As in player.js: before its content is read, the script that follows the content mounts it.
    connectedCallback() {
      if (this.firstElementChild) this.mount();
    }
    disconnectedCallback() {
      this.cancel();
    }

    mount() {
      if (this.data) return;
      this.data = JSON.parse(this.querySelector("script").textContent);
      const root = this.attachShadow({ mode: "open" });
      root.adoptedStyleSheets = [sheet];
      root.append(this.querySelector("template").content.cloneNode(true));
      this.piece = (name) => root.querySelector(`.tu-${name}`);
      this.piece("file").addEventListener("change", ({ target }) => {
        this.take([...target.files]);
        target.value = ""; // so that the same file can be chosen again
      });
      this.piece("cancel").addEventListener("click", () => this.cancel("Cancelled."));
      this.addEventListener("dragover", (event) => event.preventDefault());
      this.addEventListener("drop", (event) => {
        event.preventDefault();
        this.take([...event.dataTransfer.files]);
      });
    }

    say(text, wrong = false) {
      this.piece("said").textContent = text;
      this.piece("said").classList.toggle("tu-wrong", wrong);
    }

    // Which song is being separated: another object for each, or null.
    set running(run) {
      this.run = run;
      this.piece("work").hidden = !run;
      this.piece("bar").value = 0;
    }

    cancel(text) {
      this.run?.worker?.terminate();
      if (!this.run) return;
      this.running = null;
      if (text) this.say(text);
    }

    async take(files) {
      const [file] = files;
      if (!file) return;
      if (this.run) {
        return this.say(`Still separating “${this.run.name}”: cancel that first, or wait.`, true);
      }
      if (files.length > 1) return this.say("One file at a time, please.", true);
      const run = { name: file.name };
      this.running = run;
      try {
        this.say(`Reading “${file.name}” …`);
        const mixture = await this.decode(file);
        if (this.run !== run) return;
        this.say(`Separating “${file.name}”, ${minutes(mixture.duration)} …`);
        const began = performance.now();
        const estimates = await this.estimate(mixture, run);
        const seconds = (performance.now() - began) / 1000;
        this.show(file.name, mixture, estimates, seconds);
      } catch (error) {
        if (this.run !== run) return;
        this.say(error.message, true);
      }
      this.running = null;
    }

    // At the model's sample rate, with one or two channels.
    async decode(file) {
      if (!file.size) throw new Error(`“${file.name}” is empty.`);
      const unreadable = `“${file.name}” is no sound file that this browser can read. Try wav, mp3 or flac.`;
      const duration = await durationOf(file).catch(() => {
        throw new Error(unreadable);
      });
      if (Number.isFinite(duration) && duration > MOST) {
        throw new Error(
          `“${file.name}” is ${minutes(duration)} long, and a page has room for ${minutes(MOST)}. ` +
            "Cut out a part, or use tutorial-utils separate, which takes any length.",
        );
      }
      const context = new OfflineAudioContext(2, 1, this.data.rate);
      const found = await context.decodeAudioData(await file.arrayBuffer()).catch(() => {
        throw new Error(unreadable);
      });
      if (found.duration > MOST) throw new Error(`“${file.name}” is longer than ${minutes(MOST)}.`);
      const channels = Array.from({ length: Math.min(2, found.numberOfChannels) }, (_, i) =>
        found.getChannelData(i),
      );
      if (!channels.some((samples) => samples.some((value) => value !== 0))) {
        throw new Error(`“${file.name}” is silent from beginning to end.`);
      }
      return { channels, duration: found.duration };
    }

    // By a worker of its own, so that the page stays responsive and can cancel it.
    estimate({ channels }, run) {
      const script = new Blob([this.data.worker], { type: "text/javascript" });
      const address = URL.createObjectURL(script);
      const worker = (run.worker = new Worker(address));
      URL.revokeObjectURL(address);
      const weights = bytesOf(this.data.weights).buffer;
      return new Promise((resolve, reject) => {
        worker.onmessage = ({ data }) => {
          if (data.progress) this.piece("bar").value = data.progress;
          if (data.error) reject(new Error(data.error));
          if (data.estimates) resolve(data.estimates);
        };
        worker.onerror = (event) => reject(new Error(event.message || "The worker stopped."));
        worker.postMessage({ weights, channels });
      }).finally(() => worker.terminate());
    }

    show(name, mixture, estimates, seconds) {
      const sounds = [{ label: "mixture", channels: mixture.channels }, ...estimates];
      let peak = 0;
      for (const { channels } of sounds) {
        for (const samples of channels) for (const x of samples) peak = Math.max(peak, Math.abs(x));
      }
      const scale = peak > 1 ? 1 / peak : 1; // all alike, so that they keep their balance
      for (const { channels } of scale < 1 ? sounds : []) {
        for (const samples of channels) samples.forEach((x, n) => (samples[n] = scale * x));
      }
      this.querySelector("tu-player")?.remove();
      this.append(this.playerOf(sounds, mixture.duration, peak));
      this.links(name, estimates);
      this.say(
        `${minutes(mixture.duration)} of “${name}” took ${seconds.toFixed(0)} s.` +
          (scale < 1 ? ` All is turned down by ${(20 * Math.log10(peak)).toFixed(1)} dB.` : ""),
      );
    }

    // The player that inpage.py has prepared, with other sounds.
    playerOf(sounds, duration, peak) {
      const holder = document.createElement("template");
      holder.innerHTML = this.data.player;
      const player = document.importNode(holder.content, true).querySelector("tu-player");
      const script = player.querySelector("script");
      const samples = sounds[0].channels[0].length;
      const prepared = JSON.parse(script.textContent);
      script.textContent = JSON.stringify({ ...prepared, samples });
      const inside = player.querySelector("template").content;
      inside.querySelector(".tu-total").textContent = `/ ${minutes(duration)}`;
      const ruler = inside.querySelector(".tu-ruler");
      ruler.setAttribute("aria-valuemax", duration.toFixed(1));
      ruler.replaceChildren(...ticks(duration));
      inside.querySelectorAll(".tu-picture svg").forEach((svg, i) => {
        draw(svg, sounds[i].channels, Math.min(1, peak));
      });
      const buffers = sounds.map(({ channels }) => {
        const options = { numberOfChannels: channels.length, length: samples, sampleRate: prepared.rate };
        const buffer = new AudioBuffer(options);
        channels.forEach((values, i) => buffer.copyToChannel(values, i));
        return buffer;
      });
      player.slot = "player";
      player.decoded = Promise.resolve(buffers);
      return player;
    }

    links(name, estimates) {
      for (const address of this.addresses ?? []) URL.revokeObjectURL(address);
      const stem = name.replace(/\.[^.]*$/, "");
      const links = estimates.map(({ label, channels }) => {
        const link = document.createElement("a");
        link.href = URL.createObjectURL(wav(channels, this.data.rate));
        link.download = `${stem} - ${label}.wav`;
        link.textContent = label;
        return link;
      });
      this.addresses = links.map(({ href }) => href);
      this.piece("links").replaceChildren("Save as wav: ", ...links);
    }
  }

  // At most eight marks of time, as in player.py.
  const ticks = (duration) => {
    const step = STEPS.find((each) => duration / each <= 8) ?? duration / 8;
    const marks = [];
    for (let time = 0; time < 0.93 * duration; time += step) {
      const mark = document.createElement("span");
      mark.style.left = `${(100 * time) / duration}%`;
      mark.textContent = duration < 60 ? `${Number(time.toPrecision(3))} s` : minutes(time);
      marks.push(mark);
    }
    return marks;
  };

  // The range of a sound and, inside it, its root mean square, as in lanes.py.
  const draw = (svg, channels, peak) => {
    const { length } = channels[0];
    const count = Math.min(COLUMNS, length);
    const columns = Array.from({ length: count }, (_, i) => {
      const first = Math.floor((i * length) / count);
      const last = Math.floor(((i + 1) * length) / count);
      let [low, high, energy] = [Infinity, -Infinity, 0];
      for (const samples of channels) {
        for (let n = first; n < last; n++) {
          low = Math.min(low, samples[n]);
          high = Math.max(high, samples[n]);
          energy += samples[n] ** 2;
        }
      }
      const rms = Math.sqrt(energy / (last - first) / channels.length);
      return { low, high, rms };
    });
    const scale = 48 / Math.max(1e-9, peak);
    const area = (low, high) => {
      const point = (value, i) => `${i} ${Math.round(50 - scale * value)}`;
      const there = columns.map((column, i) => point(high(column), i));
      const back = columns.map((column, i) => point(low(column), i)).reverse();
      return `M${[...there, ...back].join("L")}z`;
    };
    svg.setAttribute("viewBox", `0 0 ${Math.max(1, count - 1)} 100`);
    svg.querySelector(".tu-peak").setAttribute("d", area(({ low }) => low, ({ high }) => high));
    svg.querySelector(".tu-rms").setAttribute("d", area(({ rms }) => -rms, ({ rms }) => rms));
  };

  // 16 bits a sample, of channels that lie within ±1.
  const wav = (channels, rate) => {
    const width = 2 * channels.length;
    const size = channels[0].length * width;
    const view = new DataView(new ArrayBuffer(44 + size));
    const text = (at, letters) => [...letters].forEach((c, i) => view.setUint8(at + i, c.charCodeAt(0)));
    text(0, "RIFF");
    view.setUint32(4, 36 + size, true);
    text(8, "WAVEfmt ");
    view.setUint32(16, 16, true);
    view.setUint16(20, 1, true); // integers
    view.setUint16(22, channels.length, true);
    view.setUint32(24, rate, true);
    view.setUint32(28, rate * width, true);
    view.setUint16(32, width, true);
    view.setUint16(34, 16, true);
    text(36, "data");
    view.setUint32(40, size, true);
    channels.forEach((samples, channel) => {
      for (let n = 0; n < samples.length; n++) {
        const value = Math.min(32767, Math.round(32768 * samples[n]));
        view.setInt16(44 + n * width + 2 * channel, value, true);
      }
    });
    return new Blob([view], { type: "audio/wav" });
  };

  customElements.define("tu-separator", Separator);
}
for (const separator of document.querySelectorAll("tu-separator")) separator.mount?.();
