import { PageHead } from "../ui/page.tsx";

export function PlaygroundPage() {
  return <PageHead title="Playground" />;
}
