import { PageHead } from "../ui/page.tsx";

export function FactoryPage() {
  return <PageHead title="Factory" />;
}
