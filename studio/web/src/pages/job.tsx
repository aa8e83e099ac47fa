import { PageHead } from "../ui/page.tsx";

export function JobPage() {
  return <PageHead title="Job" />;
}
