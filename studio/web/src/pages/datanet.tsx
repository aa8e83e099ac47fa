import { Fragment, useState } from "react";
import { Link, useParams } from "react-router";
import type { Contribution } from "../../../../sdk/views/datanets.ts";
import { Contribute } from "../datanets/contribute.tsx";
import { Versions } from "../datanets/freeze.tsx";
import { Contents } from "../datanets/review.tsx";
import { idOf } from "../ids.ts";
import { useDatanet, useText } from "../reads.ts";
import { Empty, Notice, Pending } from "../ui/notice.tsx";
import { Badge, Card, Facts, PageHead } from "../ui/page.tsx";
import { Address, Addresses, Hash } from "../ui/values.tsx";
import "../datanets/datanets.css";

export function DatanetPage() {
  const id = idOf(useParams().id);
  return id === undefined ? <Unknown /> : <Datanet id={id} />;
}

const Unknown = () => (
  <Empty title="There is no such Datanet">
    <Link to="/datanets">See all Datanets</Link>; on a local chain they are gone when the Studio is started again.
  </Empty>
);

function Datanet({ id }: { id: bigint }) {
  const datanet = useDatanet(id);
  const description = useText(datanet.data?.metadataCid);
  if (datanet.error?.message.includes("DatanetUnknown")) return <Unknown />;
  if (datanet.data === undefined) return <Pending of={datanet} what="Datanet" />;
  const { name, licence, owner, reviewers, metadataCid, contributions } = datanet.data;
  return (
    <>
      <PageHead title={name}>
        {metadataCid === "" ? "No description was given." : (description.data ?? description.error?.message ?? "…")}
      </PageHead>
      <Card>
        <Facts
          of={{
            "Datanet id": String(id),
            Owner: <Address of={owner} />,
            [reviewers.length === 1 ? "Reviewer" : "Reviewers"]: <Addresses of={reviewers} />,
            Licence: licence,
          }}
        />
      </Card>
      <Contribute datanetId={id} contributions={contributions} />
      <Contributions datanetId={id} contributions={contributions} reviewers={reviewers} />
      <Versions {...datanet.data} />
    </>
  );
}

const KIND = { none: "plain", pending: "wait", accepted: "good", rejected: "bad", withdrawn: "plain" } as const;

type Submitted = { datanetId: bigint; contributions: Contribution[]; reviewers: string[] };

function Contributions({ datanetId, contributions, reviewers }: Submitted) {
  const [open, setOpen] = useState<bigint>();
  const pending = contributions.filter(({ status }) => status === "pending").length;
  return (
    <Card
      title="Contributions"
      aside={pending > 0 && <Badge kind="wait">{pending === 1 ? "1 waits" : `${pending} wait`} for review</Badge>}
    >
      {contributions.length === 0 ? (
        <Empty title="Nobody has contributed yet">Drop files above to make the first contribution.</Empty>
      ) : (
        <div className="scroll">
          <table>
            <thead>
              <tr>
                <th>Id</th>
                <th>Contributor</th>
                <th className="number">Rows</th>
                <th>Status</th>
                <th>Reason</th>
                <th>Content</th>
                <th />
              </tr>
            </thead>
            <tbody>
              {contributions.map((one) => (
                <Fragment key={String(one.id)}>
                  <tr>
                    <td>{String(one.id)}</td>
                    <td>
                      <Address of={one.account} />
                    </td>
                    <td className="number">{one.rows.toLocaleString("en")}</td>
                    <td>
                      <Badge kind={KIND[one.status]}>{one.status}</Badge>
                    </td>
                    <td>{one.reason ?? ""}</td>
                    <td>
                      <Hash of={one.cid} />
                    </td>
                    <td className="number">
                      <button
                        type="button"
                        className="small"
                        aria-expanded={open === one.id}
                        onClick={() => setOpen(open === one.id ? undefined : one.id)}
                      >
                        {open === one.id ? "Close" : one.status === "pending" ? "Review" : "Read"}
                        <span className="hidden"> contribution {String(one.id)}</span>
                      </button>
                    </td>
                  </tr>
                  {open === one.id && (
                    <tr>
                      <td colSpan={7}>
                        <Contents datanetId={datanetId} contribution={one} reviewers={reviewers} />
                      </td>
                    </tr>
                  )}
                </Fragment>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {pending > 0 && open === undefined && (
        <Notice kind="info">
          Press “Review” to read the rows. <Addresses of={reviewers} />{" "}
          {reviewers.length === 1 ? "accepts or rejects" : "accept or reject"} them.
        </Notice>
      )}
    </Card>
  );
}
