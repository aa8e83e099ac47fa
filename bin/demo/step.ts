import { Listr } from "listr2";

/** Seconds that each step took, in order. */
export const timings: { step: string; seconds: number }[] = [];

/** Runs one step of the demo under its title, showing how far it is. */
export async function step<T>(title: string, work: (progress: (text: string) => void) => Promise<T>): Promise<T> {
  const started = performance.now();
  const pause = process.stdout.isTTY ? 100 : 5000;
  let shown = started;
  let result: T;
  const list = new Listr([
    {
      title,
      async task(_, task) {
        result = await work((text) => {
          if (performance.now() - shown < pause) return;
          shown = performance.now();
          task.output = text;
        });
        const seconds = (performance.now() - started) / 1000;
        timings.push({ step: title, seconds: Number(seconds.toFixed(1)) });
        task.title = `${title} (${seconds.toFixed(1)} s)`;
      },
    },
  ]);
  await list.run();
  return result!;
}
