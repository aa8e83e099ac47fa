import { PageHead } from "../ui/page.tsx";

export function ExplorerPage() {
  return <PageHead title="Explorer" />;
}
