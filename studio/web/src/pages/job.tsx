import { Link, useParams } from "react-router";
import { Compare } from "../make/compare.tsx";
import { useJob } from "../make/jobs.ts";
import { Own } from "../make/own.tsx";
import { JobProgress } from "../make/progress.tsx";
import { WEIGHTS } from "../make/settings.tsx";
import "../make/make.css";
import { useStack } from "../stack.ts";
import { Empty, Notice, Pending } from "../ui/notice.tsx";
import { PageHead } from "../ui/page.tsx";
import { why } from "../why.ts";

export function JobPage() {
  const { id } = useParams() as { id: string };
  const { genesis, presets } = useStack();
  const query = useJob(id);
  const job = query.data;
  if (job === undefined)
    return (
      <>
        <PageHead title="Training job">
          <Link to="/factory">All jobs</Link>
        </PageHead>
        {query.error ? (
          <Empty title="This job cannot be shown">
            {why(query.error)} <Link to="/factory">See all jobs</Link>
          </Empty>
        ) : (
          <Pending of={query} what="Job" />
        )}
      </>
    );
  return (
    <>
      <PageHead title={job.name}>
        {presets[job.preset]?.title ?? job.preset} training of {job.base.name}
        {(job.weights ?? "f32") !== "f32" && ` in ${WEIGHTS[job.weights]}`} on{" "}
        {job.genesis === genesis ? (
          <Link to={`/datanets/${job.datanetId}`}>Datanet {job.datanetId}</Link>
        ) : (
          `Datanet ${job.datanetId}`
        )}
        , version {job.version}. <Link to="/factory">All jobs</Link>
      </PageHead>
      <JobProgress job={job} />
      {job.state === "done" && <Compare job={job} />}
      {job.state === "done" &&
        (job.genesis === genesis ? (
          <Own job={job} />
        ) : (
          <Notice kind="info" title="This model can be tried, not minted">
            Its Datanet stood on the chain of an earlier start, which is gone. Train again on a Datanet of this chain.
          </Notice>
        ))}
    </>
  );
}
