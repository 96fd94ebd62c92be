/**
 * libtensorflow 2.21 out of TensorFlow's Python wheel, and the binding of @tensorflow/tfjs-node-gpu built against it. The
 * package's own installer would fetch TensorFlow 2.9. The same binding runs on CPU and GPU; only the library differs.
 */
import { copyFileSync, existsSync, mkdirSync, realpathSync, renameSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { rememberChoice, tensorflowChoice } from './choice.mjs';
import { find, run } from './command.mjs';
import { SetupFailure } from './failure.mjs';
import { digest, digestOfTree, makeFolder, readStamp, writeStamp } from './files.mjs';
import { refuseUnderLiving } from './running.mjs';
import { requireSpace } from './space.mjs';
import { requirePip, unpackWheel } from './wheel.mjs';

const VERSION = '2.21.0';
/** Space needed for the download and what is unpacked of it. */
const WHEELS = {
  cpu: {
    requirement: `tensorflow-cpu==${VERSION}`,
    file: `tensorflow_cpu-${VERSION}-cp311-cp311-manylinux_2_27_x86_64.whl`,
    platform: 'manylinux_2_27_x86_64',
    sha256: '2b847d217b02ee7731ed91431daf3250daa0196c3c94614d23be27232e6e5b6c',
    megabytes: 1100,
  },
  gpu: {
    requirement: `tensorflow==${VERSION}`,
    file: `tensorflow-${VERSION}-cp311-cp311-manylinux_2_27_x86_64.whl`,
    platform: 'manylinux_2_27_x86_64',
    sha256: '9056fbc9ba04235810b71ae6cbd958a196e8804fb53bbcffbf3e23b56155f124',
    megabytes: 12_000,
  },
};

/** CUDA 12 and cuDNN 9, as the wheel's own extra `and-cuda` asks for them; the library looks for them in ../nvidia. */
const CUDA = [
  'nvidia-cublas-cu12>=12.5.3.2,<13',
  'nvidia-cuda-cupti-cu12>=12.5.82,<13',
  'nvidia-cuda-nvcc-cu12>=12.5.82,<13',
  'nvidia-cuda-nvrtc-cu12>=12.5.82,<13',
  'nvidia-cuda-runtime-cu12>=12.5.82,<13',
  'nvidia-cudnn-cu12>=9.3.0.75,<10',
  'nvidia-cufft-cu12>=11.2.3.61,<12',
  'nvidia-curand-cu12>=10.3.6.82,<11',
  'nvidia-cusolver-cu12>=11.6.3.83,<12',
  'nvidia-cusparse-cu12>=12.5.1.3,<13',
  'nvidia-nccl-cu12>=2.27.7,<3',
  'nvidia-nvjitlink-cu12>=12.5.82,<13',
];

/** The two libraries and the headers of the C API: all that the binding needs of 1.5 GB. */
const MEMBERS = [
  'tensorflow/(libtensorflow_(?:cc|framework)[.]so[.]2)',
  'tensorflow/(include/tensorflow/c/(?:c_api|c_api_macros|tf_[a-z]+)[.]h)',
  'tensorflow/(include/tensorflow/c/eager/c_api[.]h)',
  'tensorflow/(include/(?:tensorflow/core|tsl)/platform/ctstring(?:_internal)?[.]h)',
  'tensorflow/(include/xla/tsl/c/tsl_status[.]h)',
];

const FLAGS = ['-O2', '-std=c++17', '-shared', '-fPIC', '-DNAPI_VERSION=8'];

export const tensorflow = {
  name: 'tensorflow',
  title: 'TensorFlow',
  isDone: (paths, env) => {
    const stamp = readStamp(paths, 'tensorflow');
    const isDone =
      stamp !== undefined &&
      stamp === keyOf(paths, env) &&
      existsSync(bindingOf(paths)) &&
      existsSync(libraryOf(paths, env));
    // Set up before choices were remembered, or the state folder was removed since.
    if (isDone && env.TEDDYHUB_TENSORFLOW) remember(paths, env);
    return isDone;
  },
  require: async (paths, env) => {
    if (find('g++', 'c++', 'clang++') === undefined) {
      throw new SetupFailure(
        'There is no C++ compiler: install g++ or clang++ (Debian and Ubuntu: apt-get install g++).',
      );
    }
    const { wheel, root, choice } = choose(paths, env);
    if (existsSync(bindingOf(paths))) {
      const todo = 'stop it first, or set TEDDYHUB_TENSORFLOW to what it uses';
      refuseUnderLiving(paths, `TensorFlow would become another one (${choice})`, todo);
    }
    if (wheel === undefined || existsSync(root)) return;
    await requirePip();
    requireSpace(paths.cache, wheel.megabytes);
  },
  run: async (paths, env) => {
    await provideLibrary(paths, env);
    await provideBinding(paths, env);
    writeStamp(paths, 'tensorflow', keyOf(paths, env));
    remember(paths, env);
  },
};

function remember(paths, env) {
  const { wheel, choice, root } = choose(paths, env);
  rememberChoice(paths, wheel === undefined ? root : choice);
}

/** What is asked for: cpu, gpu, or the folder of a libtensorflow with lib/ and include/. */
function choose(paths, env) {
  const choice = tensorflowChoice(paths, env);
  const wheel = WHEELS[choice];
  if (wheel !== undefined) {
    if (`${process.platform}-${process.arch}` !== 'linux-x64') {
      throw new SetupFailure(
        `There is no pinned TensorFlow for ${process.platform}-${process.arch}: set TEDDYHUB_TENSORFLOW to a folder that has libtensorflow ${VERSION}.`,
      );
    }
    return { wheel, choice, root: join(paths.cache, 'tensorflow', `${choice}-${VERSION}`) };
  }
  if (!existsSync(choice)) {
    if (!env.TEDDYHUB_TENSORFLOW) {
      throw new SetupFailure(
        `The TensorFlow that this checkout was set up with is gone (${choice}): set TEDDYHUB_TENSORFLOW to cpu, gpu or a folder.`,
      );
    }
    throw new SetupFailure(`TEDDYHUB_TENSORFLOW is neither cpu, gpu nor a folder that exists: ${choice}`);
  }
  return { choice, root: realpathSync(choice) };
}

const libraryOf = (paths, env) => join(choose(paths, env).root, 'lib');
const packageOf = (paths) => join(paths.modules, '@tensorflow', 'tfjs-node-gpu');
const bindingOf = (paths) => join(packageOf(paths), 'lib', 'napi-v8', 'tfjs_binding.node');

async function provideLibrary(paths, env) {
  const { wheel, choice, root } = choose(paths, env);
  if (wheel === undefined) {
    if (existsSync(join(root, 'lib')) && existsSync(join(root, 'include/tensorflow/c/c_api.h'))) return;
    throw new SetupFailure(
      `${root} has no lib/ and include/tensorflow/c/c_api.h: TEDDYHUB_TENSORFLOW must name a libtensorflow.`,
    );
  }
  await makeFolder(root, async (folder) => {
    await unpackWheel(paths, wheel, MEMBERS.join('|'), folder);
    const lib = join(folder, 'lib');
    mkdirSync(lib);
    for (const name of ['cc', 'framework']) {
      renameSync(join(folder, `libtensorflow_${name}.so.2`), join(lib, `libtensorflow_${name}.so.2`));
    }
    // The names the linker looks for.
    symlinkSync('libtensorflow_cc.so.2', join(lib, 'libtensorflow.so'));
    symlinkSync('libtensorflow_framework.so.2', join(lib, 'libtensorflow_framework.so'));
    if (choice === 'gpu') await addCuda(paths, folder);
  });
}

async function addCuda(paths, folder) {
  const options = [
    '--no-deps',
    '--no-cache-dir',
    '--disable-pip-version-check',
    '--only-binary=:all:',
    '--target',
    folder,
  ];
  await run(paths, find('python3'), ['-m', 'pip', 'install', ...options, ...CUDA], {
    tool: 'pip',
    task: 'pip install of the CUDA libraries',
    env: { TMPDIR: folder },
  });
}

/** Builds the binding once for its inputs, whatever the checkout, and puts it where the package looks for it. */
async function provideBinding(paths, env) {
  const lib = libraryOf(paths, env);
  const built = join(paths.cache, 'binding', keyOf(paths, env));
  await makeFolder(built, (folder) => compile(paths, env, lib, join(folder, 'tfjs_binding.node')));
  const place = bindingOf(paths);
  mkdirSync(join(place, '..'), { recursive: true });
  copyFileSync(join(built, 'tfjs_binding.node'), `${place}.${process.pid}`);
  renameSync(`${place}.${process.pid}`, place);
}

async function compile(paths, env, lib, output) {
  const source = packageOf(paths);
  const compiler = find('g++', 'c++', 'clang++');
  const headers = [join(lib, '../include'), join(paths.modules, 'node-api-headers/include'), source];
  const arguments_ = [
    ...FLAGS,
    ...headers.map((folder) => `-I${folder}`),
    ...['tfjs_backend.cc', 'tfjs_binding.cc'].map((file) => join(source, 'binding', file)),
    ...['-o', output, `-L${lib}`, '-ltensorflow', '-ltensorflow_framework', `-Wl,-rpath,${lib}`],
  ];
  await run(paths, compiler, arguments_, { tool: 'The C++ compiler', task: 'building the TensorFlow binding', env });
}

function keyOf(paths, env) {
  const { wheel, root } = choose(paths, env);
  const sources = digestOfTree(packageOf(paths), ['binding', 'package.json']);
  return digest(sources, wheel?.sha256 ?? root, libraryOf(paths, env), FLAGS.join(' '));
}
