import { PageHead } from "../ui/page.tsx";

export function ModelPage() {
  return <PageHead title="Model" />;
}
