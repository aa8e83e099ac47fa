import { Badge } from "../ui/page.tsx";
import type { Job } from "./jobs.ts";

const STATES: Record<Job["state"], [kind: "good" | "bad" | "wait" | "plain", words: string]> = {
  queued: ["plain", "Waiting"],
  training: ["wait", "Training"],
  sketching: ["wait", "Measuring rows"],
  publishing: ["wait", "Storing"],
  done: ["good", "Done"],
  failed: ["bad", "Failed"],
  cancelled: ["plain", "Cancelled"],
};

/** A job's state, in a word. */
export function JobState({ of: { state } }: { of: Job }) {
  const [kind, words] = STATES[state];
  return <Badge kind={kind}>{words}</Badge>;
}
