// What the charts' pictures are made of: numbers alone, nothing of a browser.

/** The steps of an axis from 0 to at least that much, whole numbers, at most so many above 0: 1, 2 or 5 times a power of ten apart. */
export function steps(most: number, wanted = 4): number[] {
  let step = 1;
  for (let power = 1; step * wanted < most; power *= 10) {
    step = [1, 2, 5, 10].map((n) => n * power).find((n) => n * wanted >= most) ?? step;
  }
  const count = Math.max(1, Math.ceil(most / step));
  return Array.from({ length: count + 1 }, (_, i) => i * step);
}

/** Every how many of them a label has room, when each wants that much of the width. */
export function every(count: number, width: number, label: number): number {
  return Math.max(1, Math.ceil((count * label) / Math.max(1, width)));
}

/** The parts of a ring of that length, in their order: where each begins and how long it is. What there is only little of is seen as well. */
export function ring(values: readonly number[], length: number): { from: number; long: number }[] {
  const sum = values.reduce((all, one) => all + one, 0);
  const least = length / 100;
  const little = values.filter((one) => one > 0 && (one / sum) * length < least);
  const rest = length - least * little.length;
  const ofRest = sum - little.reduce((all, one) => all + one, 0);
  let from = 0;
  return values.map((one) => {
    const long = one === 0 ? 0 : (one / sum) * length < least ? least : (one / ofRest) * rest;
    const part = { from, long };
    from += long;
    return part;
  });
}
