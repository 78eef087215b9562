// The course's models, fitted in Python (mnist_course_tools/site/digit_models.py), at work without
// it. A model is a list of steps, as a pipeline of scikit-learn is: each takes numbers and returns
// others, and the last returns ten shares. What a step has learned comes with it.

const SIDE = 28, MIDDLE = (SIDE - 1) / 2;
const MAGIC = "digits01"; // how the file begins; another number is another form of it

export class NoModels extends Error {}

const logistic = (x) => -Math.log1p(Math.exp(-Math.abs(x))) + Math.min(x, 0); // log of the sigmoid
const clip = (x, least, most) => Math.min(most, Math.max(least, x));

function softmax(scores) {
  const top = scores.reduce((a, b) => Math.max(a, b));
  const powers = scores.map((score) => Math.exp(score - top));
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / sum);
}

// Rows times x: the matrix lies row by row.
function product(matrix, x, shift = 0) {
  const result = new Float64Array(matrix.length / x.length);
  for (let i = 0, at = 0; i < result.length; i++) {
    let sum = 0;
    for (let j = 0; j < x.length; j++, at++) sum += matrix[at] * (x[j] - (shift ? shift[j] : 0));
    result[i] = sum;
  }
  return result;
}

function squaredDistance(rows, i, x) {
  let sum = 0;
  for (let j = 0, at = i * x.length; j < x.length; j++, at++) sum += (rows[at] - x[j]) ** 2;
  return sum;
}

// mnist_course/warp.py: the same upright stance, size and centre for every digit.
function normalise(pixels, { spread }) {
  let mass = 0, row = 0, column = 0, rows = 0, columns = 0, both = 0;
  pixels.forEach((value, at) => {
    const r = Math.floor(at / SIDE), c = at % SIDE;
    mass += value;
    row += value * r;
    column += value * c;
    rows += value * r * r;
    columns += value * c * c;
    both += value * r * c;
  });
  [row, column, rows, columns, both] = [row, column, rows, columns, both].map((sum) => sum / mass);
  const rowVariance = Math.max(rows - row ** 2, 1e-3), covariance = both - row * column;
  const columnVariance = Math.max(columns - column ** 2, 1e-3);
  const slant = covariance / rowVariance, height = Math.sqrt(rowVariance);
  const width = Math.sqrt(Math.max(columnVariance - slant * covariance, 0.5));
  const aspect = Math.sqrt(clip(width / height, 0.15, 1.2));
  const ink = (r, c) => (r >= 0 && r < SIDE && c >= 0 && c < SIDE ? pixels[r * SIDE + c] : 0);
  return Float64Array.from({ length: SIDE * SIDE }, (_, at) => {
    const down = (Math.floor(at / SIDE) - MIDDLE) * (height / spread);
    const across = ((at % SIDE) - MIDDLE) * (width / (spread * aspect)) + slant * down;
    const y = clip(down + row, -2, SIDE + 0.999), x = clip(across + column, -2, SIDE + 0.999);
    const top = Math.floor(y), left = Math.floor(x);
    const upper = ink(top, left) + (x - left) * (ink(top, left + 1) - ink(top, left));
    const lower = ink(top + 1, left) + (x - left) * (ink(top + 1, left + 1) - ink(top + 1, left));
    return upper + (y - top) * (lower - upper);
  });
}

// mnist_course/edges.py: how much edge points each way, in each cell of a grid.
function orientations(pixels, { directions, windows }) {
  const cells = windows.length / SIDE, maps = new Float64Array(directions * SIDE * SIDE);
  const ink = (r, c) => pixels[clip(r, 0, SIDE - 1) * SIDE + clip(c, 0, SIDE - 1)];
  for (let r = 0; r < SIDE; r++) {
    for (let c = 0; c < SIDE; c++) {
      let down = 0, right = 0;
      for (const side of [-1, 0, 1]) {
        const weight = side ? 1 : 2;
        down += weight * (ink(r + 1, c + side) - ink(r - 1, c + side));
        right += weight * (ink(r + side, c + 1) - ink(r + side, c - 1));
      }
      if (!down && !right) continue;
      const place = (Math.atan2(down, right) * directions) / (2 * Math.PI);
      const before = Math.floor(place), share = place - before, size = Math.hypot(down, right);
      const add = (way, value) => {
        const turned = (way + directions) % directions;
        maps[turned * SIDE * SIDE + r * SIDE + c] += value;
      };
      add(before, size * (1 - share));
      add(before + 1, size * share);
    }
  }
  const found = [];
  for (let way = 0; way < directions; way++) {
    const map = maps.subarray(way * SIDE * SIDE, (way + 1) * SIDE * SIDE);
    for (let i = 0; i < cells; i++) {
      const line = new Float64Array(SIDE); // a row of cells: rows of pixels by their weight
      for (let r = 0; r < SIDE; r++) {
        for (let c = 0; c < SIDE; c++) line[c] += windows[i * SIDE + r] * map[r * SIDE + c];
      }
      found.push(...product(windows, line).map(Math.sqrt));
    }
  }
  const length = Math.hypot(...found) || 1;
  return Float64Array.from(found, (value) => value / length);
}

const STEPS = {
  divide: (pixels) => Float64Array.from(pixels, (value) => value / 255),
  normalise,
  orientations,
  components: (x, { mean, components }) => product(components, x, mean),
  logistic: (x, { weights, intercepts }) =>
    softmax(product(weights, x).map((score, i) => score + intercepts[i])),

  // The nearest rows vote, each with one over its distance; one that is the same decides alone.
  neighbours(x, { rows, labels, k }) {
    const nearest = []; // [squared distance, label], the nearest first
    for (let i = 0; i < labels.length; i++) {
      const square = squaredDistance(rows, i, x);
      if (nearest.length === k && square >= nearest[k - 1][0]) continue;
      const place = nearest.findIndex(([other]) => square < other);
      nearest.splice(place < 0 ? nearest.length : place, 0, [square, labels[i]]);
      nearest.length = Math.min(nearest.length, k);
    }
    const same = nearest.some(([square]) => square === 0);
    const weights = nearest.map(
      ([square]) => (same ? Number(square === 0) : 1 / Math.sqrt(square)));
    const sum = weights.reduce((a, b) => a + b), votes = new Float64Array(10);
    nearest.forEach(([, label], i) => { votes[label] += weights[i]; });
    return votes.map((weight) => weight / sum); // exactly 1 where all agree
  },

  // mnist_course/pair_svc.py: each pair of digits has a duel, and the sigmoid of twice its value is
  // what it is worth. Support vectors lie digit by digit, with a weight against each other digit.
  duels(x, { vectors, weights, counts, intercepts, gamma }) {
    const n = counts.length, values = new Float64Array(n * n); // of digit i against digit j
    let at = 0;
    counts.forEach((count, i) => {
      for (let last = at + count; at < last; at++) {
        const near = Math.exp(-gamma * squaredDistance(vectors, at, x));
        for (let j = 0; j < n - 1; j++) {
          values[i * n + j + (j >= i)] += near * weights[at * (n - 1) + j];
        }
      }
    });
    const logs = new Float64Array(n);
    for (let i = 0, pair = 0; i < n; i++) {
      for (let j = i + 1; j < n; j++, pair++) {
        const value = values[i * n + j] + values[j * n + i] + intercepts[pair];
        logs[i] += logistic(2 * value);
        logs[j] += logistic(-2 * value);
      }
    }
    return softmax(logs);
  },
};

const CRC = Uint32Array.from({ length: 256 }, (_, value) => {
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

// Web Crypto is missing where a classroom's machine serves the page without TLS.
function checksum(bytes) {
  let sum = -1;
  for (let i = 0; i < bytes.length; i++) sum = CRC[(sum ^ bytes[i]) & 255] ^ (sum >>> 8);
  return ~sum >>> 0;
}

// Take the file apart: eight letters, checksum of the rest, length of the JSON, JSON, numbers.
export function unpack(buffer) {
  const bytes = new Uint8Array(buffer), view = new DataView(buffer);
  if (bytes.length < 16) throw new NoModels("the file is cut off");
  const magic = String.fromCharCode(...bytes.subarray(0, 8));
  if (magic !== MAGIC) throw new NoModels("the file is not one of models for this page");
  if (checksum(bytes.subarray(12)) !== view.getUint32(8, true)) {
    throw new NoModels("the file is damaged");
  }
  const start = 16 + view.getUint32(12, true);
  const about = JSON.parse(new TextDecoder().decode(bytes.subarray(16, start)));
  const known = (value) => {
    if (!value?.type) return value;
    const Type = { float32: Float32Array, uint8: Uint8Array }[value.type];
    return new Type(buffer, start + value.start, value.length);
  };
  const models = about.models.map(({ steps, ...model }) => {
    const ready = steps.map(({ step, ...learned }) => [
      STEPS[step],
      Object.fromEntries(Object.entries(learned).map(([name, value]) => [name, known(value)])),
    ]);
    // From 784 pixels, 0 to 255, to ten shares.
    const ask = (pixels) => ready.reduce((x, [step, learned]) => step(x, learned), pixels);
    return { ...model, ask };
  });
  return { ...about, models };
}

export async function load(address) {
  let answer;
  try {
    answer = await fetch(address, { cache: "no-cache" }); // asks whether there is a newer one
  } catch {
    throw new NoModels("the server did not answer");
  }
  if (!answer.ok) throw new NoModels(`the server says ${answer.status}`);
  return unpack(await answer.arrayBuffer());
}
