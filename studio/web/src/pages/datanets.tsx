import { useState } from "react";
import { Link } from "react-router";
import { CreateDatanet } from "../datanets/form.tsx";
import { useDatanets, useText } from "../reads.ts";
import { Empty, Pending } from "../ui/notice.tsx";
import { Badge, PageHead } from "../ui/page.tsx";
import { Address } from "../ui/values.tsx";
import "../datanets/datanets.css";

type Datanet = NonNullable<ReturnType<typeof useDatanets>["data"]>[number];

export function DatanetsPage() {
  const datanets = useDatanets();
  const [creating, setCreating] = useState(false);
  return (
    <>
      <PageHead
        title="Datanets"
        actions={
          !creating && (
            <button type="button" className="primary" onClick={() => setCreating(true)}>
              New Datanet
            </button>
          )
        }
      >
        Pools of data on one subject. Anyone contributes, a reviewer accepts or rejects, the owner freezes versions, and
        models are trained on versions.
      </PageHead>
      {creating && <CreateDatanet onClose={() => setCreating(false)} />}
      {datanets.data === undefined ? (
        <Pending of={datanets} what="Datanets" />
      ) : datanets.data.length === 0 ? (
        !creating && (
          <Empty title="There is no Datanet yet">
            Press “New Datanet” to create the first one. It takes a name, a licence and a reviewer.
          </Empty>
        )
      ) : (
        <div className="tiles">
          {datanets.data.map((datanet) => (
            <Tile key={String(datanet.datanetId)} {...datanet} />
          ))}
        </div>
      )}
    </>
  );
}

function Tile({ datanetId, name, licence, owner, metadataCid, contributions, versions }: Datanet) {
  const { data: description } = useText(metadataCid);
  const accepted = contributions.filter(({ status }) => status === "accepted");
  const pending = contributions.filter(({ status }) => status === "pending");
  const rows = accepted.reduce((sum, one) => sum + one.rows, 0n);
  return (
    <Link className="tile datanet" to={`/datanets/${datanetId}`}>
      <div>
        <h2>{name}</h2>
        <small>
          by <Address of={owner} />
        </small>
      </div>
      <p className="muted about">{description ?? "No description."}</p>
      <dl className="counts">
        <Count of={rows} name={rows === 1n ? "row" : "rows"} />
        <Count of={accepted.length} name="accepted" />
        <Count of={versions.length} name={versions.length === 1 ? "version" : "versions"} />
      </dl>
      <p className="row">
        <Badge kind="plain">{licence}</Badge>
        {pending.length > 0 && <Badge kind="wait">{pending.length} to review</Badge>}
      </p>
    </Link>
  );
}

const Count = ({ of, name }: { of: bigint | number; name: string }) => (
  <div>
    <dd>{of.toLocaleString("en")}</dd>
    <dt>{name}</dt>
  </div>
);
