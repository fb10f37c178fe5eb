import { formatExact, formatNumber } from './format.js';
import { listHours, splitAtGaps, ticksFor } from './plot-scale.js';

const HOURS = 24;
const HEIGHT = 200;
const EDGE = { top: 12, right: 12, bottom: 26, left: 40 };

/** The width of an element in pixels, as it changes. */
function useWidth() {
  const element = React.useRef(null);
  const [width, setWidth] = React.useState(0);
  // Before the first painting: the page below must not jump.
  React.useLayoutEffect(() => {
    setWidth(Math.floor(element.current.getBoundingClientRect().width));
    const observer = new ResizeObserver(([entry]) => setWidth(Math.floor(entry.contentRect.width)));
    observer.observe(element.current);
    return () => observer.disconnect();
  }, []);
  return [element, width];
}

const line = (points) =>
  points.map(([x, y], index) => `${index ? 'L' : 'M'}${x.toFixed(1)} ${y.toFixed(1)}`).join('');

function Series({ runs, column, x, y, tone }) {
  return runs.map((run) => {
    const points = run.map((sample) => [x(sample[0]), y(sample[column])]);
    // A look without neighbours is a dot.
    const [[left, top], [right]] = [points[0], points.at(-1)];
    if (points.length === 1)
      return <circle key={run[0][0]} className={`atlas-dot-${tone}`} cx={left} cy={top} r="2" />;
    return (
      <g key={run[0][0]}>
        {tone === 'pending' ? (
          <path
            className="atlas-area"
            d={`${line(points)}L${right.toFixed(1)} ${y(0)}L${left.toFixed(1)} ${y(0)}Z`}
          />
        ) : null}
        <path className={`atlas-line-${tone}`} d={line(points)} />
      </g>
    );
  });
}

function Axes({ ticks, hours, x, y, width }) {
  const hour = (at) =>
    new Date(at * 1000).toLocaleTimeString('en', { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  return (
    <g className="atlas-axis">
      {ticks.map((value) => (
        <g key={value}>
          <line x1={EDGE.left} x2={width - EDGE.right} y1={y(value)} y2={y(value)} />
          <text x={EDGE.left - 8} y={y(value) + 4} textAnchor="end">
            {formatNumber(value)}
          </text>
        </g>
      ))}
      {hours.map((at) => (
        <text key={at} x={x(at)} y={HEIGHT - 6} textAnchor="middle">
          {hour(at)}
        </text>
      ))}
    </g>
  );
}

function Pointed({ sample, x, y }) {
  const [at, pending] = sample;
  return (
    <g className="atlas-pointed">
      <line x1={x(at)} x2={x(at)} y1={EDGE.top} y2={HEIGHT - EDGE.bottom} />
      <circle cx={x(at)} cy={y(pending)} r="4" />
    </g>
  );
}

function Legend({ sample }) {
  if (!sample)
    return (
      <p className="atlas-legend">
        <span className="atlas-key-pending">waiting or at work</span>
        <span className="atlas-key-failed">failed</span>
      </p>
    );
  const [at, pending, failed] = sample;
  return (
    <p className="atlas-legend">
      <span className="atlas-key-pending">{`${formatNumber(pending)} waiting or at work`}</span>
      <span className="atlas-key-failed">{`${formatNumber(failed)} failed`}</span>
      <span>{formatExact(new Date(at * 1000))}</span>
    </p>
  );
}

/** The queue's length over the last day. A time in which nobody looked is a gap, not a line. */
export function QueuePlot({ samples, now }) {
  const [element, width] = useWidth();
  const [pointed, setPointed] = React.useState();
  const from = now - HOURS * 3600;
  const ticks = ticksFor(Math.max(...samples.map(([, pending, failed]) => Math.max(pending, failed))));
  const x = (at) => EDGE.left + ((at - from) / (now - from)) * (width - EDGE.left - EDGE.right);
  const y = (value) => HEIGHT - EDGE.bottom - (value / ticks.at(-1)) * (HEIGHT - EDGE.top - EDGE.bottom);
  const point = ({ clientX, currentTarget }) => {
    const distance = (sample) =>
      Math.abs(x(sample[0]) - (clientX - currentTarget.getBoundingClientRect().left));
    setPointed(samples.reduce((best, sample) => (distance(sample) < distance(best) ? sample : best)));
  };
  return (
    <div ref={element} className="atlas-plot">
      {width > 0 ? (
        <svg
          width={width}
          height={HEIGHT}
          role="img"
          aria-label="Photos waiting for their variants over the last 24 hours"
          onPointerMove={point}
          onPointerLeave={() => setPointed(undefined)}
        >
          <Axes ticks={ticks} hours={listHours(from, now, width)} x={x} y={y} width={width} />
          <Series runs={splitAtGaps(samples)} column={1} x={x} y={y} tone="pending" />
          <Series
            runs={splitAtGaps(samples.filter(([, , failed]) => failed > 0))}
            column={2}
            x={x}
            y={y}
            tone="failed"
          />
          {pointed ? <Pointed sample={pointed} x={x} y={y} /> : null}
        </svg>
      ) : null}
      <Legend sample={pointed} />
    </div>
  );
}
