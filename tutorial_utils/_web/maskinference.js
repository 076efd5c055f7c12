// MaskInference in plain JavaScript: STFT, network and inverse, as tutorial_utils.models has them.
// It runs in a worker, is given the weights as the bytes of a .safetensors file and a mixture, and
// gives an estimate for each source. Names and formulas are those of the Python code.

const QUIET = 1e-5; // added to magnitudes before the logarithm
const CHUNK = 64; // frames that go through a layer at a time

// ---- weights -----------------------------------------------------------------------------------

// A .safetensors file: the length of a header, the header as JSON, and then the numbers.
function readWeights(buffer) {
  const length = Number(new DataView(buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, length)));
  const weights = {};
  for (const [name, { dtype, shape, data_offsets: offsets }] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    if (dtype !== "F16") throw new Error(`${name} is ${dtype}, not F16`);
    const [first, last] = offsets.map((offset) => 8 + length + offset);
    const values = halves(new DataView(buffer, first, last - first));
    weights[name] = { values, rows: shape[0], columns: shape[1] ?? 1 };
  }
  const { settings } = header.__metadata__;
  return { weights, settings: JSON.parse(settings) };
}

// 16-bit floats, which not every browser knows: a sign, 5 bits of exponent, 10 of fraction.
function halves(view) {
  const values = new Float32Array(view.byteLength / 2);
  for (let i = 0; i < values.length; i++) {
    const bits = view.getUint16(2 * i, true);
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 1023;
    const size = exponent ? (1 + fraction / 1024) * 2 ** (exponent - 15) : fraction * 2 ** -24;
    values[i] = bits >> 15 ? -size : size;
  }
  return values;
}

// ---- the Fourier transform ----------------------------------------------------------------------

class FFT {
  constructor(size) {
    if (size < 2 || size & (size - 1)) throw new Error(`${size} is no power of two`);
    this.size = size;
    this.order = new Uint32Array(size); // bits reversed
    for (let i = 1; i < size; i++) this.order[i] = (this.order[i >> 1] | ((i & 1) * size)) >> 1;
    this.cos = Float64Array.from({ length: size / 2 }, (_, k) => Math.cos((2 * Math.PI * k) / size));
    this.sin = Float64Array.from({ length: size / 2 }, (_, k) => Math.sin((2 * Math.PI * k) / size));
    this.re = new Float64Array(size);
    this.im = new Float64Array(size);
  }

  // Of what is in re and im, in place; the sign is -1 forwards and 1 backwards, without 1 / size.
  run(sign) {
    const { size, order, cos, sin, re, im } = this;
    for (let i = 0; i < size; i++) {
      const j = order[i];
      if (j <= i) continue;
      [re[i], re[j]] = [re[j], re[i]];
      [im[i], im[j]] = [im[j], im[i]];
    }
    for (let half = 1; half < size; half *= 2) {
      const stride = size / 2 / half;
      for (let start = 0; start < size; start += 2 * half) {
        for (let k = 0; k < half; k++) {
          const a = start + k;
          const b = a + half;
          const c = cos[k * stride];
          const s = sign * sin[k * stride];
          const x = re[b] * c - im[b] * s;
          const y = re[b] * s + im[b] * c;
          re[b] = re[a] - x;
          im[b] = im[a] - y;
          re[a] += x;
          im[a] += y;
        }
      }
    }
  }
}

// The Hann window of torch.hann_window, which is periodic.
function hann(size) {
  const value = (_, n) => 0.5 - 0.5 * Math.cos((2 * Math.PI * n) / size);
  return Float64Array.from({ length: size }, value);
}

// Frames are centred, and the ends padded with zeros: frame t begins at t · hop − size / 2. As in
// transforms.py the last one lies after the last sample, unless windows overlap a lot.
function stft(samples, size, hop) {
  const fft = new FFT(size);
  const window = hann(size);
  const bins = size / 2 + 1;
  const hops = samples.length / hop;
  const frames = 1 + (4 * hop > size ? Math.ceil(hops) : Math.floor(hops));
  const re = new Float32Array(frames * bins);
  const im = new Float32Array(frames * bins);
  for (let t = 0; t < frames; t++) {
    const start = t * hop - size / 2;
    for (let n = 0; n < size; n++) {
      fft.re[n] = window[n] * (samples[start + n] ?? 0);
      fft.im[n] = 0;
    }
    fft.run(-1);
    re.set(fft.re.subarray(0, bins), t * bins);
    im.set(fft.im.subarray(0, bins), t * bins);
  }
  return { re, im, frames, bins };
}

// What torch.istft divides by: the squares of the windows that overlap at each sample.
function overlaps(length, frames, size, hop) {
  const window = hann(size);
  const sums = new Float32Array(length);
  for (let t = 0; t < frames; t++) {
    const start = t * hop - size / 2;
    for (let n = Math.max(0, -start); n < size && start + n < length; n++) {
      sums[start + n] += window[n] ** 2;
    }
  }
  return sums;
}

// ---- layers ---------------------------------------------------------------------------------------

// y = W x + b for some frames, four at a time, so that each weight is read once for four.
function linear(W, b, x, frames, y) {
  const { values, rows, columns } = W;
  const rest = frames % 4;
  for (let t = 0; t < frames - rest; t += 4) {
    for (let row = 0; row < rows; row++) {
      let a0 = b.values[row];
      let a1 = a0;
      let a2 = a0;
      let a3 = a0;
      for (let i = row * columns, j = t * columns; i < (row + 1) * columns; i++, j++) {
        const w = values[i];
        a0 += w * x[j];
        a1 += w * x[j + columns];
        a2 += w * x[j + 2 * columns];
        a3 += w * x[j + 3 * columns];
      }
      const at = t * rows + row;
      y[at] = a0;
      y[at + rows] = a1;
      y[at + 2 * rows] = a2;
      y[at + 3 * rows] = a3;
    }
  }
  for (let t = frames - rest; t < frames; t++) {
    for (let row = 0; row < rows; row++) {
      let a = b.values[row];
      for (let i = row * columns, j = t * columns; i < (row + 1) * columns; i++, j++) a += values[i] * x[j];
      y[t * rows + row] = a;
    }
  }
}

const sigmoid = (x) => 1 / (1 + Math.exp(-x));

// One direction of a layer of gated recurrent units; y has room for both directions.
function gru(weights, suffix, x, frames, y, reverse) {
  const part = (name) => weights[`recur.layers.${name}_${suffix}${reverse ? "_reverse" : ""}`];
  const W = part("weight_hh");
  const hidden = W.columns;
  const inputs = new Float32Array(frames * 3 * hidden); // of the reset, update and new gates
  linear(part("weight_ih"), part("bias_ih"), x, frames, inputs);
  const h = new Float32Array(hidden);
  const gates = new Float32Array(3 * hidden);
  for (let step = 0; step < frames; step++) {
    const t = reverse ? frames - 1 - step : step;
    linear(W, part("bias_hh"), h, 1, gates);
    const at = t * 3 * hidden;
    for (let i = 0; i < hidden; i++) {
      const r = sigmoid(inputs[at + i] + gates[i]);
      const z = sigmoid(inputs[at + hidden + i] + gates[hidden + i]);
      const n = Math.tanh(inputs[at + 2 * hidden + i] + r * gates[2 * hidden + i]);
      h[i] = (1 - z) * n + z * h[i];
    }
    y.set(h, (2 * t + (reverse ? 1 : 0)) * hidden);
  }
  return hidden;
}

// Log-magnitudes with a mean of zero and a deviation of one, over all frames and bins.
function standardised({ re, im }) {
  const x = re.map((value, i) => Math.log(Math.hypot(value, im[i]) + QUIET));
  let mean = 0;
  for (const value of x) mean += value / x.length;
  let variance = 0;
  for (const value of x) variance += (value - mean) ** 2 / x.length;
  const deviation = Math.max(Math.sqrt(variance), QUIET);
  return x.map((value) => (value - mean) / deviation);
}

// ---- separation --------------------------------------------------------------------------------------

// The estimates of one channel: an array of samples for each source.
function separateChannel(samples, { weights, settings }, progress) {
  const { n_fft: size, hop, labels, layers } = settings;
  const X = stft(samples, size, hop);
  const { frames, bins } = X;
  progress(0.15);

  const read = standardised(X);
  const encode = weights["encode.weight"];
  let x = new Float32Array(frames * encode.rows);
  linear(encode, weights["encode.bias"], read, frames, x);
  x = x.map(Math.tanh);
  progress(0.3);
  for (let layer = 0; layer < layers; layer++) {
    const y = new Float32Array(frames * 2 * weights[`recur.layers.weight_hh_l${layer}`].columns);
    for (const reverse of [false, true]) gru(weights, `l${layer}`, x, frames, y, reverse);
    x = y;
  }
  progress(0.5);

  const decode = weights["decode.weight"];
  const width = decode.columns;
  const sources = labels.map(() => new Float32Array(samples.length));
  const masks = new Float32Array(CHUNK * decode.rows);
  const fft = new FFT(size);
  const window = hann(size);
  for (let first = 0; first < frames; first += CHUNK) {
    const count = Math.min(CHUNK, frames - first);
    linear(decode, weights["decode.bias"], x.subarray(first * width), count, masks);
    for (let t = 0; t < count; t++) {
      const row = masks.subarray(t * decode.rows, (t + 1) * decode.rows);
      softmax(row, labels.length, bins);
      const at = (first + t) * bins;
      const start = (first + t) * hop - size / 2;
      for (let source = 0; source < labels.length; source += 2) {
        inverse(fft, X, at, row, source, labels.length, bins);
        // Two real signals went through one complex transform: its real and imaginary part.
        [fft.re, fft.im].forEach((frame, i) => {
          const signal = sources[source + i];
          if (!signal) return;
          const end = Math.min(size, signal.length - start);
          for (let n = Math.max(0, -start); n < end; n++) {
            signal[start + n] += (window[n] * frame[n]) / size;
          }
        });
      }
    }
    progress(0.5 + (0.5 * (first + count)) / frames);
  }
  const sums = overlaps(samples.length, frames, size, hop);
  for (const signal of sources) for (let n = 0; n < signal.length; n++) signal[n] /= sums[n];
  return sources;
}

// Over the sources, in place: (sources, bins).
function softmax(row, sources, bins) {
  for (let bin = 0; bin < bins; bin++) {
    let high = -Infinity;
    for (let i = bin; i < sources * bins; i += bins) high = Math.max(high, row[i]);
    let sum = 0;
    for (let i = bin; i < sources * bins; i += bins) sum += row[i] = Math.exp(row[i] - high);
    for (let i = bin; i < sources * bins; i += bins) row[i] /= sum;
  }
}

// The masked spectra of two sources, a + ib, back to frames; their upper half is the mirrored one.
function inverse(fft, X, at, row, source, sources, bins) {
  const size = fft.size;
  for (let bin = 0; bin < bins; bin++) {
    const a = row[source * bins + bin];
    const b = source + 1 < sources ? row[(source + 1) * bins + bin] : 0;
    // The first and the last bin of a real signal are real.
    const imaginary = bin % (bins - 1) ? X.im[at + bin] : 0;
    fft.re[bin] = a * X.re[at + bin] - b * imaginary;
    fft.im[bin] = a * imaginary + b * X.re[at + bin];
    if (bin % (bins - 1) === 0) continue;
    fft.re[size - bin] = a * X.re[at + bin] + b * imaginary;
    fft.im[size - bin] = b * X.re[at + bin] - a * imaginary;
  }
  fft.run(1);
}

self.onmessage = ({ data: { weights: file, channels } }) => {
  try {
    const model = readWeights(file);
    const found = channels.map((samples, i) =>
      separateChannel(samples, model, (share) =>
        self.postMessage({ progress: (i + share) / channels.length }),
      ),
    );
    const estimates = model.settings.labels.map((label, source) => {
      return { label, channels: found.map((sources) => sources[source]) };
    });
    const buffers = estimates.flatMap(({ channels }) => channels.map(({ buffer }) => buffer));
    self.postMessage({ estimates }, buffers);
  } catch (error) {
    self.postMessage({ error: error.message });
  }
};
