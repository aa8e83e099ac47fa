import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { createRoot } from "react-dom/client";
import { BrowserRouter } from "react-router";
import { WagmiProvider } from "wagmi";
import { App } from "./app.tsx";
import { loadStack, StackContext } from "./stack.ts";
import "./styles.css";
import { Notice } from "./ui/notice.tsx";
import { walletConfig } from "./wallet.ts";

const root = createRoot(document.getElementById("root")!);
// What the chain says changes with every block; one reading a few seconds old is good enough everywhere.
const queries = new QueryClient({ defaultOptions: { queries: { refetchInterval: 3000, retry: 1 } } });

try {
  const stack = await loadStack();
  root.render(
    <StackContext value={stack}>
      <WagmiProvider config={walletConfig(stack)}>
        <QueryClientProvider client={queries}>
          <BrowserRouter>
            <App />
          </BrowserRouter>
        </QueryClientProvider>
      </WagmiProvider>
    </StackContext>,
  );
} catch (error) {
  root.render(
    <main>
      <Notice kind="error" title="The Studio does not answer">
        {(error as Error).message} Start it with <code>npm start</code>, then reload this page.
      </Notice>
    </main>,
  );
}
