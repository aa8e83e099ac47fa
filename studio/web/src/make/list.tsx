import { Link } from "react-router";
import { useStack } from "../stack.ts";
import { Empty, Pending } from "../ui/notice.tsx";
import { Card } from "../ui/page.tsx";
import { count } from "../words.ts";
import { isOver, type Job, useJobs } from "./jobs.ts";
import { JobState } from "./state.tsx";

/** Every job there is, newest first. */
export function JobList() {
  const jobs = useJobs();
  const { presets } = useStack();
  return (
    <Card title="Training jobs">
      {jobs.data === undefined ? (
        <Pending of={jobs} what="Jobs" />
      ) : jobs.data.length === 0 ? (
        <Empty title="No model was trained yet">Go through the steps above and press Train.</Empty>
      ) : (
        <div className="scroll">
          <table>
            <thead>
              <tr>
                <th>Name</th>
                <th>Datanet</th>
                <th>Preset</th>
                <th>State</th>
                <th>Progress</th>
                <th className="number">Final loss</th>
              </tr>
            </thead>
            <tbody>
              {jobs.data.map((job) => (
                <tr key={job.id}>
                  <td>
                    <Link to={`/factory/${job.id}`}>{job.name}</Link>
                    {job.modelId && <small> · model {job.modelId}</small>}
                  </td>
                  <td>
                    {job.datanetId}, version {job.version}
                  </td>
                  <td>{presets[job.preset]?.title ?? job.preset}</td>
                  <td>
                    <JobState of={job} />
                  </td>
                  <td>{progressOf(job)}</td>
                  <td className="number">{job.state === "done" ? job.epochLosses.at(-1)?.toFixed(3) : "–"}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Card>
  );
}

function progressOf(job: Job): string {
  if (isOver(job) || job.steps === 0) return job.state === "done" ? `${count(job.rows)} rows` : "–";
  return `${count(job.step)} of ${count(job.steps)} ${job.state === "training" ? "steps" : "rows"}`;
}
