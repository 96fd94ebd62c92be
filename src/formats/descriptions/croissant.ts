/**
 * croissant.json: a distilled set in MLCommons Croissant 1.0 (http://mlcommons.org/croissant/1.0), so that dataset search
 * and `mlcroissant` know its files, its classes and the columns of its samples.
 */
import { canonicalJson } from '../../domain/canonical-json.js';
import type { Manifest } from '../../domain/manifest.js';

export interface Publication {
  /** Of the set, without a slash at the end: its files' URLs begin with it. */
  url: string;
  /** Who answers for it. */
  creator: string;
  publishedAt: Date;
}

/** The context of the specification, word for word: readers compare it. */
const CONTEXT = {
  '@language': 'en',
  '@vocab': 'https://schema.org/',
  citeAs: 'cr:citeAs',
  column: 'cr:column',
  conformsTo: 'dct:conformsTo',
  cr: 'http://mlcommons.org/croissant/',
  data: { '@id': 'cr:data', '@type': '@json' },
  dataType: { '@id': 'cr:dataType', '@type': '@vocab' },
  dct: 'http://purl.org/dc/terms/',
  equivalentProperty: 'cr:equivalentProperty',
  examples: { '@id': 'cr:examples', '@type': '@json' },
  extract: 'cr:extract',
  field: 'cr:field',
  fileObject: 'cr:fileObject',
  fileProperty: 'cr:fileProperty',
  fileSet: 'cr:fileSet',
  format: 'cr:format',
  includes: 'cr:includes',
  isLiveDataset: 'cr:isLiveDataset',
  jsonPath: 'cr:jsonPath',
  key: 'cr:key',
  md5: 'cr:md5',
  parentField: 'cr:parentField',
  path: 'cr:path',
  rai: 'http://mlcommons.org/croissant/RAI/',
  recordSet: 'cr:recordSet',
  references: 'cr:references',
  regex: 'cr:regex',
  repeated: 'cr:repeated',
  replace: 'cr:replace',
  samplingRate: 'cr:samplingRate',
  sc: 'https://schema.org/',
  separator: 'cr:separator',
  source: 'cr:source',
  subField: 'cr:subField',
  transform: 'cr:transform',
};

/** The bytes of croissant.json: the same set, published once, gives the same bytes at one URL. */
export function croissantBytes(manifest: Manifest, publication: Publication): Buffer {
  const { url, creator, publishedAt } = publication;
  const document = {
    '@context': CONTEXT,
    '@type': 'sc:Dataset',
    conformsTo: 'http://mlcommons.org/croissant/1.0',
    name: manifest.name,
    description: describe(manifest),
    url: `${url}/manifest.json`,
    ...(manifest.licence === null ? {} : { license: manifest.licence }),
    creator: { '@type': 'sc:Organization', name: creator },
    datePublished: publishedAt.toISOString().slice(0, 10),
    version: `${manifest.schemaVersion}.0.0`,
    identifier: manifest.digest,
    distribution: [...filesOf(manifest, url), ...samplesOf(manifest)],
    recordSet: [classes(manifest), images(manifest), LABELS],
  };
  return Buffer.from(canonicalJson(document));
}

/** The same document for a copy in a folder: every URL relative to it. */
export function relativeCroissant(bytes: Buffer): Buffer {
  const document = JSON.parse(bytes.toString('utf8')) as { distribution: Record<string, unknown>[] };
  const distribution = document.distribution.map((file) =>
    'contentUrl' in file ? { ...file, contentUrl: file['@id'] } : file,
  );
  return Buffer.from(canonicalJson({ ...document, distribution }));
}

function describe({ formation, imagesPerClass, sampleCount, classNames, lineage, digest }: Manifest): string {
  const cells =
    formation === 1 ? '' : `, each cut into ${formation} x ${formation} cells that are samples of their own`;
  return (
    `${lineage.datasetName} (${lineage.datasetDigest}), distilled into ${imagesPerClass} images of each of ` +
    `${classNames.length} classes${cells}: ${sampleCount} synthetic samples with soft labels. Digest ${digest}.`
  );
}

function filesOf({ shards, labelModes }: Manifest, url: string) {
  const typed = [
    ...shards.map((file) => ({ ...file, encodingFormat: 'application/x-tar' })),
    ...labelModes.flatMap(({ files }) =>
      files.map((file) => ({ ...file, encodingFormat: 'application/octet-stream' })),
    ),
  ];
  return [...new Map(typed.map((file) => [file.url, file])).values()].map((file) => ({
    '@type': 'cr:FileObject',
    '@id': file.url,
    name: file.url,
    contentUrl: `${url}/${file.url}`,
    contentSize: `${file.bytes} B`,
    encodingFormat: file.encodingFormat,
    sha256: file.sha256.slice('sha256:'.length),
  }));
}

/** What lies in the shards: of every sample an image and a class. */
function samplesOf({ shards }: Manifest) {
  const fileSet = (name: string, includes: string, encodingFormat: string) => ({
    '@type': 'cr:FileSet',
    '@id': name,
    name,
    containedIn: shards.map((shard) => ({ '@id': shard.url })),
    encodingFormat,
    includes,
  });
  return [fileSet('image-files', '*.png', 'image/png'), fileSet('class-files', '*.cls', 'text/plain')];
}

function classes({ classNames }: Manifest) {
  const field = (name: string, dataType: string, description: string) => ({
    '@type': 'cr:Field',
    '@id': `classes/${name}`,
    name,
    description,
    dataType,
  });
  return {
    '@type': 'cr:RecordSet',
    '@id': 'classes',
    name: 'classes',
    description: 'The classes, in the order that labels count in.',
    dataType: 'sc:Enumeration',
    key: { '@id': 'classes/index' },
    field: [
      field('index', 'sc:Integer', 'Class index.'),
      { ...field('name', 'sc:Text', 'Class name.'), dataType: ['sc:Text', 'sc:name'] },
    ],
    data: classNames.map((name, index) => ({ 'classes/index': index, 'classes/name': name })),
  };
}

function images({ imageShape: { height, width, channels } }: Manifest) {
  const description = `The synthetic samples: ${height} x ${width} pixels in ${channels} channels.`;
  const value = { name: 'image', dataType: 'sc:ImageObject', description: 'PNG, 8 bits a channel.' };
  return recordsOf('images', description, 'image-files', value);
}

/**
 * One record set for each kind of file: the reader of reference, mlcroissant 1.1, does not join two FileSets, so the key
 * that both have is what brings an image and its class together. Nor does it join a FileSet with records that stand in the document:
 * a label that has `references` to `classes` cannot be read.
 */
function recordsOf(name: 'images' | 'labels', description: string, fileSet: string, value: Value) {
  const field = (id: string, dataType: string, text: string, source: object) => ({
    '@type': 'cr:Field',
    '@id': `${name}/${id}`,
    name: id,
    description: text,
    dataType,
    source: { fileSet: { '@id': fileSet }, ...source },
  });
  const key = { extract: { fileProperty: 'filename' }, transform: { regex: '^(\\d+)\\.' } };
  return {
    '@type': 'cr:RecordSet',
    '@id': name,
    name,
    description,
    key: { '@id': `${name}/key` },
    field: [
      field('key', 'sc:Text', 'Index of the sample in the set, six digits, over all shards.', key),
      field(value.name, value.dataType, value.description, { extract: { fileProperty: 'content' } }),
    ],
  };
}

interface Value {
  name: string;
  dataType: string;
  description: string;
}

const LABELS = recordsOf('labels', 'The class of every sample.', 'class-files', {
  name: 'label',
  dataType: 'sc:Integer',
  description: 'Class index: a key of `classes`.',
});
