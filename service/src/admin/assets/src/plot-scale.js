/** Samples further apart are not joined: nobody looked in between. */
const GAP_SECONDS = 150;

/** A round number at or above the highest value, and lines on the way to it. */
export function ticksFor(highest) {
  const power = 10 ** Math.floor(Math.log10(Math.max(4, highest)));
  const step = [0.25, 0.5, 1, 1.5, 2, 2.5, 5]
    .map((one) => one * power)
    .find((one) => one >= 1 && one * 4 >= highest);
  return [0, 1, 2, 3, 4].map((index) => index * Math.ceil(step));
}

/** Runs of samples without a gap. */
export function splitAtGaps(samples) {
  const runs = [];
  for (const sample of samples) {
    const run = runs.at(-1);
    if (run && sample[0] - run.at(-1)[0] <= GAP_SECONDS) run.push(sample);
    else runs.push([sample]);
  }
  return runs;
}

/** Whole hours of the visitor's clock, three or six apart as there is room. */
export function listHours(from, to, width) {
  const apart = width < 560 ? 6 : 3;
  const first = new Date(from * 1000);
  first.setMinutes(0, 0, 0);
  const hours = [];
  for (let at = first.getTime() / 1000; at <= to; at += 3600)
    if (at > from + 1800 && at < to - 600 && new Date(at * 1000).getHours() % apart === 0) hours.push(at);
  return hours;
}
