import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import type { Job as Recorded } from "../../../server/jobs/job.ts";
import { api } from "../api.ts";

/** A job as the API shows it: with the model that it was minted as. */
export type Job = Recorded & { modelId?: string };

export const isOver = ({ state }: Job): boolean => ["done", "failed", "cancelled"].includes(state);

/** All jobs, newest first. */
export const useJobs = () => useQuery({ queryKey: ["jobs"], queryFn: () => api<Job[]>("jobs") });

/** A job, kept up to date by the server's events until it is over. */
export function useJob(id: string) {
  const queries = useQueryClient();
  const query = useQuery({ queryKey: ["job", id], queryFn: () => api<Job>(`jobs/${id}`), refetchInterval: false });
  const over = query.data !== undefined && isOver(query.data);
  useEffect(() => {
    if (over) return;
    const source = new EventSource(`/api/jobs/${id}/events`);
    source.onmessage = ({ data }) => queries.setQueryData(["job", id], JSON.parse(data));
    return () => source.close();
  }, [id, over, queries]);
  return query;
}

/** Has the server train. */
export const startJob = (
  job: Pick<Job, "name" | "datanetId" | "version" | "weights"> & { base: string; preset: string },
) => api<Job>("jobs", job);

/** The same again, as a new job. */
export const repeatJob = ({ name, datanetId, version, base, preset, weights }: Job) =>
  startJob({ name, datanetId, version, base: base.id, preset, weights });
