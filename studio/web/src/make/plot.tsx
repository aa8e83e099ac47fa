import { useEffect, useRef } from "react";
import UPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { smoothed } from "./smooth.ts";

const HEIGHT = 320; // pixels
/** Distances between marks: there are no halves of a step. */
const WHOLE = [1, 10, 100, 1000, 10_000, 100_000].flatMap((power) => [power, 2 * power, 5 * power]);

type Losses = [step: number, loss: number][];

/** Loss by step as it comes: every step's as a point, and their moving average as a line. */
export function LossPlot({ losses, steps }: { losses: Losses; steps: number }) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<UPlot>(undefined);
  useEffect(() => {
    const place = box.current!;
    plot.current = new UPlot(options(place), [[], [], []], place);
    const resized = new ResizeObserver(() => plot.current!.setSize({ width: place.clientWidth, height: HEIGHT }));
    resized.observe(place);
    const theme = matchMedia("(prefers-color-scheme: dark)");
    const redraw = () => plot.current!.redraw(false, true);
    theme.addEventListener("change", redraw);
    return () => {
      theme.removeEventListener("change", redraw);
      resized.disconnect();
      plot.current!.destroy();
    };
  }, []);
  useEffect(() => {
    const raw = losses.map(([, loss]) => loss);
    plot.current!.setData([losses.map(([step]) => step), raw, smoothed(raw, Math.max(5, steps / 20))]);
  }, [losses, steps]);
  const last = losses.at(-1);
  const words = last ? `Loss by step; at step ${last[0]} it is ${last[1].toFixed(3)}` : "Loss by step; none yet";
  return <div className="plot" role="img" aria-label={words} ref={box} />;
}

function options(place: HTMLElement): UPlot.Options {
  // The style sheet's colours as they are now, light or dark.
  const colour = (name: string) => () => {
    place.style.color = `var(${name})`;
    const now = getComputedStyle(place).color;
    place.style.color = "";
    return now;
  };
  const axis = (label: string, size: number): UPlot.Axis => ({
    label,
    size,
    stroke: colour("--muted"),
    grid: { stroke: colour("--line"), width: 1 },
    ticks: { stroke: colour("--line"), width: 1 },
    font: "12px system-ui, sans-serif",
    labelFont: "12px system-ui, sans-serif",
    labelSize: 22,
  });
  const value = (_: UPlot, loss: number | null) => loss?.toFixed(3) ?? "–";
  return {
    width: place.clientWidth,
    height: HEIGHT,
    scales: { x: { time: false } },
    cursor: { drag: { x: false, y: false } },
    axes: [{ ...axis("Step", 34), incrs: WHOLE }, axis("Loss (nats a token)", 50)],
    series: [
      { label: "Step", value: (_: UPlot, step: number | null) => (step === null ? "–" : String(step)) },
      {
        label: "Each step",
        stroke: colour("--muted"),
        paths: () => null,
        points: { show: true, size: 4, stroke: colour("--muted"), fill: colour("--muted") },
        value,
      },
      { label: "Smoothed", stroke: colour("--accent"), width: 2, points: { show: false }, value },
    ],
  };
}
