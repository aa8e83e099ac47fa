import { useQuery } from "@tanstack/react-query";
import { Link } from "react-router";
import { datanetIds, versionsOf } from "../../../../sdk/views/datanets.ts";
import { useProtocol } from "../protocol.ts";
import { Field } from "../ui/field.tsx";
import { Empty, Notice, Pending } from "../ui/notice.tsx";
import { count } from "../words.ts";
import { Tiles } from "./choose.tsx";

/** A Datanet with versions that can be trained on, the newest first. */
export type Frozen = {
  id: string;
  name: string;
  licence: string;
  versions: { version: string; rows: number; contributions: number }[];
};

export function useFrozen() {
  const { protocol } = useProtocol();
  const { datanets } = protocol;
  return useQuery({
    queryKey: ["frozen"],
    queryFn: async () =>
      Promise.all(
        (await datanetIds(datanets)).map(async (id): Promise<Frozen> => {
          const { name, licence } = (await datanets.datanet(id)).settings;
          const versions = await Promise.all(
            (await versionsOf(datanets, id)).map(async ({ version }) => {
              const { rowCounts } = await datanets.versionContributions(id, version);
              const rows = rowCounts.reduce((sum, rows) => sum + Number(rows), 0);
              return { version: String(version), rows, contributions: rowCounts.length };
            }),
          );
          return { id: String(id), name, licence, versions: versions.reverse() };
        }),
      ),
  });
}

/** Choice of the data: a Datanet and one of its frozen versions. */
export function Versions({
  chosen,
  choose,
}: {
  chosen: { datanet: Frozen; version: string } | undefined;
  choose: (datanet: Frozen, version: string) => void;
}) {
  const all = useFrozen();
  if (all.data === undefined) return <Pending of={all} what="Datanets" />;
  const frozen = all.data.filter(({ versions }) => versions.length > 0);
  const others = all.data.length - frozen.length;
  if (frozen.length === 0)
    return (
      <Empty title="No Datanet has a frozen version yet">
        A model is trained on rows that can no longer change.{" "}
        {all.data.length === 0 ? (
          <Link to="/datanets">Create a Datanet, contribute rows and freeze a version</Link>
        ) : (
          <Link to={`/datanets/${all.data[0]!.id}`}>Freeze a version of {all.data[0]!.name}</Link>
        )}
        , then come back.
      </Empty>
    );
  return (
    <>
      <Tiles
        of={frozen}
        keyOf={({ id }) => id}
        chosen={chosen?.datanet.id}
        choose={(datanet) => choose(datanet, datanet.versions[0]!.version)}
      >
        {({ name, licence, versions: [newest], versions }) => (
          <>
            <strong>{name}</strong>
            <small>
              {count(newest!.rows)} rows of {newest!.contributions} contributions · {licence}
            </small>
            <small>{versions.length === 1 ? "1 frozen version" : `${versions.length} frozen versions`}</small>
          </>
        )}
      </Tiles>
      {chosen && chosen.datanet.versions.length > 1 && (
        <Field label="Version">
          <select value={chosen.version} onChange={({ target }) => choose(chosen.datanet, target.value)}>
            {chosen.datanet.versions.map(({ version, rows, contributions }) => (
              <option key={version} value={version}>
                Version {version}: {count(rows)} rows of {contributions} contributions
              </option>
            ))}
          </select>
        </Field>
      )}
      {others > 0 && (
        <Notice kind="info">
          {others === 1 ? "One Datanet has" : `${others} Datanets have`} no frozen version and cannot be chosen.{" "}
          <Link to="/datanets">Freeze one</Link> to train on it.
        </Notice>
      )}
    </>
  );
}
