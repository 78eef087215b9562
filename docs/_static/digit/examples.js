// A few digits to begin with, as a hand may draw them: points of the sheet that each stroke passes.

const DIGITS = [
  ["a seven that leans", [
    [[125, 72], [182, 70], [246, 64], [197, 108], [138, 160], [56, 246]], [[93, 152],
      [134, 150], [175, 148]],
  ]],
  ["a four that is nearly closed", [
    [[128, 70], [104, 110], [108, 140], [140, 141], [176, 136]], [[170, 66], [168, 160],
      [166, 245]],
  ]],
  ["a one that falls over", [
    [[82, 44], [141, 140], [200, 240]],
  ]],
  ["a three", [
    [[88, 78], [120, 48], [168, 56], [180, 92], [152, 124], [118, 134], [162, 142],
      [192, 178], [180, 222], [132, 240], [84, 218]],
  ]],
  ["a five in two strokes", [
    [[112, 60], [106, 96], [98, 128], [140, 116], [178, 138], [186, 184], [160, 226],
      [116, 236], [84, 218]], [[114, 58], [150, 58], [196, 52]],
  ]],
  ["an eight", [
    [[178, 72], [142, 44], [104, 62], [108, 104], [146, 136], [178, 172], [176, 220],
      [138, 242], [102, 218], [108, 172], [146, 134], [180, 100], [178, 72]],
  ]],
];
const PARTS = 8; // points between two that are given

// A smooth line through points (Catmull and Rom, 1974).
function smooth(points) {
  const at = (i) => points[Math.min(points.length - 1, Math.max(0, i))];
  const line = [points[0]];
  for (let i = 0; i < points.length - 1; i++) {
    const [a, b, c, d] = [at(i - 1), at(i), at(i + 1), at(i + 2)];
    for (let part = 1; part <= PARTS; part++) {
      const t = part / PARTS;
      line.push(b.map((_, axis) => Math.round(5 * (2 * b[axis] + (c[axis] - a[axis]) * t
        + (2 * a[axis] - 5 * b[axis] + 4 * c[axis] - d[axis]) * t ** 2
        + (3 * b[axis] - a[axis] - 3 * c[axis] + d[axis]) * t ** 3)) / 10));
    }
  }
  return line;
}

export const EXAMPLES = DIGITS.map(([name, strokes]) => ({ name, strokes: strokes.map(smooth) }));
