import { NavLink, Route, Routes } from "react-router";
import { Account } from "./account.tsx";
import { DatanetPage } from "./pages/datanet.tsx";
import { DatanetsPage } from "./pages/datanets.tsx";
import { ExplorerPage } from "./pages/explorer.tsx";
import { FactoryPage } from "./pages/factory.tsx";
import { JobPage } from "./pages/job.tsx";
import { ModelPage } from "./pages/model.tsx";
import { PlaygroundPage } from "./pages/playground.tsx";
import { StartPage } from "./pages/start.tsx";
import { Empty } from "./ui/notice.tsx";

export function App() {
  return (
    <>
      <header className="bar">
        <NavLink to="/" className="brand">
          OpenLedger <span>Studio</span>
        </NavLink>
        <nav>
          <NavLink to="/datanets">Datanets</NavLink>
          <NavLink to="/factory">Model Factory</NavLink>
          <NavLink to="/playground">Playground</NavLink>
          <NavLink to="/explorer">Explorer</NavLink>
        </nav>
        <Account />
      </header>
      <main>
        <Routes>
          <Route path="/" element={<StartPage />} />
          <Route path="/datanets" element={<DatanetsPage />} />
          <Route path="/datanets/:id" element={<DatanetPage />} />
          <Route path="/factory" element={<FactoryPage />} />
          <Route path="/factory/:id" element={<JobPage />} />
          <Route path="/playground" element={<PlaygroundPage />} />
          <Route path="/explorer" element={<ExplorerPage />} />
          <Route path="/explorer/models/:id" element={<ModelPage />} />
          <Route path="*" element={<Empty title="There is no such page">Choose one of the pages above.</Empty>} />
        </Routes>
      </main>
    </>
  );
}
