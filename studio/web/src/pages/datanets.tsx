import { PageHead } from "../ui/page.tsx";

export function DatanetsPage() {
  return <PageHead title="Datanets" />;
}
