// Pillow's bicubic scaling, to the last bit: a picture that is scaled here has the same greys as in
// Python. A picture is { width, height, values }, row by row.

const SUPPORT = 2; // pixels to either side that a bicubic weight reaches
const BITS = 22; // Pillow's weights for whole greys are whole numbers of this many bits

// Python's round: halves go to the even neighbour.
export function round(value) {
  const below = Math.floor(value), rest = value - below;
  if (rest !== 0.5) return rest < 0.5 ? below : below + 1;
  return below % 2 === 0 ? below : below + 1;
}

// Typed arrays' own `from` is many times as slow.
export function mapped(Type, values, change) {
  const result = new Type(values.length);
  for (let i = 0; i < values.length; i++) result[i] = change(values[i]);
  return result;
}

function bicubic(x) {
  const away = Math.abs(x);
  if (away < 1) return (1.5 * away - 2.5) * away * away + 1;
  if (away < 2) return ((-0.5 * away + 2.5) * away - 4) * away + 2;
  return 0;
}

// Where each new pixel looks, and what weight each old one has in it.
function looks(from, to) {
  const scale = from / to, stretch = Math.max(scale, 1), reach = SUPPORT * stretch;
  return Array.from({ length: to }, (_, i) => {
    const centre = (i + 0.5) * scale;
    const start = Math.max(0, Math.trunc(centre - reach + 0.5));
    const stop = Math.min(from, Math.trunc(centre + reach + 0.5));
    const weights = Float64Array.from(
      { length: stop - start }, (_, k) => bicubic((k + start - centre + 0.5) / stretch));
    const sum = weights.reduce((total, weight) => total + weight, 0);
    return { start, weights: weights.map((weight) => weight / sum) };
  });
}

function whole({ start, weights }) {
  const rounded = (weight) => Math.trunc(weight * 2 ** BITS + 0.5 * Math.sign(weight));
  return { start, weights: weights.map(rounded) };
}

const greys = {
  looks: (from, to) => looks(from, to).map(whole),
  empty: (n) => new Uint8ClampedArray(n),
  finish: (sum) => Math.floor((sum + 2 ** (BITS - 1)) / 2 ** BITS),
};
const floats = { looks, empty: (n) => new Float32Array(n), finish: (sum) => sum };

// Scale along one axis: `step` leads from pixel to pixel, `across` from line to line.
function scaleAxis(values, lines, from, to, [step, across], [newStep, newAcross], kind) {
  const result = kind.empty(lines * to), table = kind.looks(from, to);
  for (let line = 0; line < lines; line++) {
    for (let i = 0; i < to; i++) {
      const { start, weights } = table[i];
      let sum = 0, at = line * across + start * step;
      for (let k = 0; k < weights.length; k++, at += step) sum += values[at] * weights[k];
      result[line * newAcross + i * newStep] = kind.finish(sum);
    }
  }
  return result;
}

// Whole greys (Uint8ClampedArray) stay whole; all else is done in floating point. Which axis comes
// first shows in the rounding: Pillow 13 begins with the height where a tall picture shrinks.
export function resize(picture, newWidth, newHeight) {
  const kind = picture.values instanceof Uint8ClampedArray ? greys : floats;
  const across = ({ width, height, values }) => (width === newWidth ? { width, height, values } : {
    width: newWidth, height,
    values: scaleAxis(values, height, width, newWidth, [1, width], [1, newWidth], kind),
  });
  const down = ({ width, height, values }) => (height === newHeight ? { width, height, values } : {
    width, height: newHeight,
    values: scaleAxis(values, width, height, newHeight, [width, 1], [width, 1], kind),
  });
  const { width, height } = picture;
  return height > 2 * width && newHeight < height ? across(down(picture)) : down(across(picture));
}

// The squared distance of each pixel to the nearest one that `isTarget` (Felzenszwalb and
// Huttenlocher, 2012): the lower envelope of parabolas, along columns and then along rows.
export function squaredDistances({ width, height, values }, isTarget) {
  const squares = mapped(Float64Array, values, (value) => (isTarget(value) ? 0 : 1e12));
  const longest = Math.max(width, height);
  const line = new Float64Array(longest), roots = new Int32Array(longest);
  const borders = new Float64Array(longest + 1);
  function along(start, step, n) {
    let last = 0;
    for (let i = 0; i < n; i++) line[i] = squares[start + i * step];
    roots[0] = 0;
    borders[0] = -Infinity;
    borders[1] = Infinity;
    for (let i = 1; i < n; i++) {
      const meets = (root) => (line[i] + i * i - line[root] - root * root) / (2 * (i - root));
      let border = meets(roots[last]);
      while (border <= borders[last]) border = meets(roots[--last]);
      roots[++last] = i;
      borders[last] = border;
      borders[last + 1] = Infinity;
    }
    for (let i = 0, part = 0; i < n; i++) {
      while (borders[part + 1] < i) part++;
      squares[start + i * step] = (i - roots[part]) ** 2 + line[roots[part]];
    }
  }
  for (let column = 0; column < width; column++) along(column, width, height);
  for (let row = 0; row < height; row++) along(row * width, 1, width);
  return squares;
}
