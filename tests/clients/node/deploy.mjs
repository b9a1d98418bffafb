// What Docker and Kubernetes would say of their files, without either: node deploy.mjs dockerfile FILE, or kubernetes
// FILE. Prints a line for each fault; exit status 1 where there is one.
import { validate } from 'dockerfile-utils';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { parseAllDocuments } from 'yaml';

const require = createRequire(import.meta.url);
const faults = [];

function dockerfile(path) {
  for (const { message, range } of validate(readFileSync(path, 'utf8')))
    faults.push(`${path}:${range.start.line + 1}: ${message}`);
}

// The validator of an object's kind: kubernetes-models has the schemas of Kubernetes' OpenAPI description.
function validator({ apiVersion, kind }) {
  const path = `kubernetes-models/${apiVersion}/${kind}`;
  const Model = require(path)[kind];
  return (object) => {
    try {
      new Model(object).validate();
      return '';
    } catch (error) {
      return error.message;
    }
  };
}

// Every path to something that is neither an object nor an array.
function* leaves(value, path = []) {
  if (value === null || typeof value !== 'object') yield path;
  else for (const key of Object.keys(value)) yield* leaves(value[key], [...path, key]);
}

function spoiled(object, path) {
  const copy = structuredClone(object);
  const last = path.at(-1);
  path.slice(0, -1).reduce((at, key) => at[key], copy)[last] = [[{}]];
  return copy;
}

function judge(object, name) {
  const fault = validator(object);
  const said = fault(object);
  if (said) faults.push(`${name}: ${said}`);
  // A schema lets fields pass that it does not know. So where nonsense in the place of a value is not noticed, the
  // field's name is wrong.
  for (const path of leaves(object))
    if (!['apiVersion', 'kind'].includes(path[0]) && !fault(spoiled(object, path)))
      faults.push(`${name}: no such field: ${path.join('.')}`);
}

// What names something has to find it in the same file.
function judgeNames(objects) {
  const of = (kind) => objects.filter((object) => object.kind === kind);
  const [set] = of('StatefulSet');
  const pod = set.spec.template;
  const [container] = pod.spec.containers;
  const ports = container.ports.map(({ name }) => name);
  const wrong = (what) => faults.push(what);
  const selects = (labels) => Object.entries(labels).every(([key, value]) => pod.metadata.labels[key] === value);

  for (const service of of('Service')) {
    if (!selects(service.spec.selector)) wrong(`${service.metadata.name} selects nothing`);
    for (const { targetPort } of service.spec.ports)
      if (!ports.includes(targetPort)) wrong(`${service.metadata.name}: no port ${targetPort}`);
  }
  for (const owner of [set, ...of('PodDisruptionBudget')])
    if (!selects(owner.spec.selector.matchLabels)) wrong(`${owner.kind} selects nothing`);
  const headless = of('Service').find(({ metadata }) => metadata.name === set.spec.serviceName);
  if (headless?.spec.clusterIP !== 'None') wrong(`${set.spec.serviceName} is no headless service`);
  for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe'])
    if (!ports.includes(container[probe].httpGet.port)) wrong(`${probe}: no such port`);
  const volumes = [...pod.spec.volumes, ...set.spec.volumeClaimTemplates.map(({ metadata }) => metadata)];
  for (const { name } of container.volumeMounts)
    if (!volumes.some((volume) => volume.name === name)) wrong(`no volume ${name}`);
  const maps = of('ConfigMap').map(({ metadata }) => metadata.name);
  for (const { configMap } of pod.spec.volumes)
    if (configMap && !maps.includes(configMap.name)) wrong(`no ConfigMap ${configMap.name}`);
}

function kubernetes(path) {
  const documents = parseAllDocuments(readFileSync(path, 'utf8'));
  for (const { errors, warnings } of documents) faults.push(...errors.map(String), ...warnings.map(String));
  const objects = documents.map((document) => document.toJS());
  for (const object of objects) judge(object, `${object.kind} ${object.metadata.name}`);
  judgeNames(objects);
}

const [what, path] = process.argv.slice(2);
if (!existsSync(path)) faults.push(`there is no ${path}`);
else if (what === 'dockerfile') dockerfile(path);
else if (what === 'kubernetes') kubernetes(path);
// The configuration in the ConfigMap, for `corsac --check-config -`.
else if (what === 'config') {
  const map = parseAllDocuments(readFileSync(path, 'utf8'))
    .map((d) => d.toJS())
    .find(({ kind }) => kind === 'ConfigMap');
  process.stdout.write(map.data['corsac.conf']);
}
for (const fault of faults) console.log(fault);
process.exitCode = faults.length ? 1 : 0;
