import { PageHead } from "../ui/page.tsx";

export function StartPage() {
  return <PageHead title="Start" />;
}
