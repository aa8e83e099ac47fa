import { lazy, Suspense } from "react";
import { useNavigate } from "react-router";
import { CHECKS, type CheckName } from "../../../../sdk/checks/rows.ts";
import { api } from "../api.ts";
import { Action } from "../ui/action.tsx";
import { Empty, Notice } from "../ui/notice.tsx";
import { Card, Progress } from "../ui/page.tsx";
import { percent } from "../ui/values.tsx";
import { count, duration } from "../words.ts";
import { isOver, type Job, repeatJob } from "./jobs.ts";
import { JobState } from "./state.tsx";

// uPlot cannot be loaded where the browser's language is none that Intl knows, as under the locale POSIX.
const LossPlot = lazy(() =>
  import("./plot.tsx").then(
    ({ LossPlot }) => ({ default: LossPlot }),
    () => ({ default: NoPlot }),
  ),
);

const NoPlot = () => (
  <Notice kind="info">
    The loss cannot be drawn with this browser's language, {navigator.language}. Choose another in its settings.
  </Notice>
);

/** How far a job is, what it measured, and its loss. */
export function JobProgress({ job }: { job: Job }) {
  const navigate = useNavigate();
  const flagged = Object.entries(job.flaggedRows ?? {});
  const again = (
    <Action run={async () => navigate(`/factory/${(await repeatJob(job)).id}`)}>
      Train again with the same settings
    </Action>
  );
  return (
    <Card
      title="Training"
      aside={
        <div className="row">
          <JobState of={job} />
          {!isOver(job) && (
            <Action danger small run={() => api(`jobs/${job.id}/cancel`, {})}>
              Cancel
            </Action>
          )}
        </div>
      }
    >
      {!isOver(job) && <Progress {...progressOf(job)} />}
      {job.state === "failed" && (
        <>
          <Notice kind="error" title={`Training failed (${job.error?.code})`}>
            {job.error?.message}
          </Notice>
          {again}
        </>
      )}
      {job.state === "cancelled" && (
        <>
          <Notice kind="info" title="Training was cancelled">
            Nothing was stored. You can begin it again.
          </Notice>
          {again}
        </>
      )}
      <div className="figures">
        {figures(job).map(([name, value]) => (
          <div className="figure" key={name}>
            <small>{name}</small>
            <strong>{value}</strong>
          </div>
        ))}
      </div>
      {flagged.length > 0 && (
        <Notice kind="info" title="Rows that the data checks found something in">
          {flagged.map(([check, rows]) => `${CHECKS[check as CheckName].title}: ${count(rows)}`).join(" · ")}. They are
          trained on like all frozen rows; the pages of the Datanet show which they are.
        </Notice>
      )}
      {job.losses.length > 0 ? (
        <Suspense fallback={<p className="muted">Drawing …</p>}>
          <LossPlot losses={job.losses} steps={job.state === "training" ? job.steps : job.losses.length} />
        </Suspense>
      ) : (
        !isOver(job) && <Empty title="No loss yet">It is plotted here from the first step on.</Empty>
      )}
    </Card>
  );
}

function progressOf({ state, step, steps, etaSeconds, tokensPerSecond }: Job): { value: number; label: string } {
  const value = steps === 0 ? 0 : step / steps;
  if (state === "queued") return { value: 0, label: "Waits for the job before it to end" };
  const left = etaSeconds === undefined ? "" : ` · about ${duration(etaSeconds)} left`;
  if (state === "training") {
    if (steps === 0) return { value, label: "Reading the rows and the base model …" };
    const speed = tokensPerSecond === undefined ? "" : ` · ${count(tokensPerSecond)} tokens/s`;
    return { value, label: `Step ${count(step)} of ${count(steps)}${left}${speed}` };
  }
  if (state === "sketching")
    return { value, label: `Measuring each row's influence: ${count(step)} of ${count(steps)} rows${left}` };
  return { value: 1, label: "Storing the adapter and the sketches …" };
}

function figures(job: Job): [string, string][] {
  const { epochLosses, startedAt, finishedAt } = job;
  const took = startedAt && finishedAt && duration((Date.parse(finishedAt) - Date.parse(startedAt)) / 1000);
  const loss = epochLosses.length > 1 ? `${epochLosses[0]!.toFixed(2)} → ${epochLosses.at(-1)!.toFixed(2)}` : undefined;
  return (
    [
      ["Rows", count(job.rows)],
      ["Rows cut to the context", epochLosses.length > 0 ? count(job.truncatedRows) : undefined],
      ["Tokens a second", job.tokensPerSecond === undefined ? undefined : count(job.tokensPerSecond)],
      ["Loss, first to last epoch", loss],
      ["Sketch width k", job.k === undefined ? undefined : String(job.k)],
      ["Gradient energy kept", job.energyKept === undefined ? undefined : percent(job.energyKept)],
      ["Took", took],
    ] satisfies [string, string | undefined][]
  ).filter((figure): figure is [string, string] => figure[1] !== undefined);
}
