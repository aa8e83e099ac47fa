import { PageHead } from "../ui/page.tsx";

export function DatanetPage() {
  return <PageHead title="Datanet" />;
}
