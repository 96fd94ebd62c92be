/** Direction of imports between the folders; see docs/architecture.md. */
const forbid = (name, comment, from, to) => ({
  name,
  comment,
  severity: 'error',
  from: { path: from },
  to: { path: to },
});

export default {
  forbidden: [
    forbid('domain-is-pure', 'domain imports nothing of ours', '^src/domain/', '^(src/(?!domain/)|workers/)'),
    forbid(
      'base-on-domain',
      'formats and platform import domain (and each other)',
      '^src/(formats|platform)/',
      '^(src/(?!domain/|formats/|platform/)|workers/)',
    ),
    forbid(
      'modules-below-api',
      'modules know nothing of how they are served',
      '^src/modules/',
      '^(src/(graphql|http|cli)/|workers/)',
    ),
    forbid('api-below-cli', 'graphql and http know nothing of the CLI', '^src/(graphql|http)/', '^(src/cli/|workers/)'),
    forbid('src-without-workers', 'nothing in src imports workers', '^src/', '^workers/'),
    forbid(
      'workers-on-base',
      'workers import domain, platform and formats alone',
      '^workers/',
      '^src/(?!domain/|platform/|formats/)',
    ),
    forbid('clients-alone', 'clients know the API and nothing else of ours', '^clients/', '^(src|workers)/'),
    forbid('clients-for-the-cli', 'the service itself needs no client', '^(src/(?!cli/)|workers/)', '^clients/'),
    forbid('tests-are-leaves', 'the product imports no tests', '^(src|workers)/', '^(tests|bench)/'),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: 'src/platform/database/generated' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    moduleSystems: ['es6'],
  },
};
