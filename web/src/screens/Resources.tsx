// The generated screens' addresses: /r/<resource>, /r/<resource>/new, /r/<resource>/<id>, /r/<resource>/<id>/edit.
import { useParams } from "react-router";
import { ResourceDetail } from "../resources/Detail";
import { ResourceList } from "../resources/List";
import { resourceOf, screenOf } from "../resources/model";
import { Permitted } from "../resources/Permitted";
import { ResourceProgram } from "../resources/Program";
import { ResourceEdit, ResourceNew } from "../resources/Write";

export default function Resources() {
  const { id, "*": rest } = useParams();
  if (id === undefined) {
    return (
      <Permitted operation={(name) => (screenOf(name) === "program" ? null : (resourceOf(name).list ?? resourceOf(name).one))}>
        {(name) => {
          const screen = screenOf(name);
          return screen === "list" ? <ResourceList key={name} resource={name} /> : screen === "single" ? <ResourceDetail key={name} resource={name} /> : <ResourceProgram resource={name} />;
        }}
      </Permitted>
    );
  }
  if (rest === "edit") {
    return <Permitted operation={(name) => resourceOf(name).update}>{(name) => <ResourceEdit key={`${name}/${id}`} resource={name} id={id} />}</Permitted>;
  }
  if (id === "new") {
    return (
      <Permitted operation={(name) => resourceOf(name).create}>
        {(name) => {
          const { create } = resourceOf(name);
          return create && <ResourceNew key={name} resource={name} operation={create} />;
        }}
      </Permitted>
    );
  }
  return <Permitted operation={(name) => resourceOf(name).one}>{(name) => <ResourceDetail key={`${name}/${id}`} resource={name} id={id} />}</Permitted>;
}
