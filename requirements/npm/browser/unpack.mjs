// Unpacks the browser beside the package that carries it: node knows brotli, Python's
// own library does not.
import { spawnSync } from "node:child_process";
import { createReadStream, createWriteStream, mkdirSync, chmodSync } from "node:fs";
import { pipeline } from "node:stream/promises";
import { createBrotliDecompress } from "node:zlib";

const from = "node_modules/@sparticuz/chromium/bin";
mkdirSync("unpacked", { recursive: true });
for (const name of ["chromium", "al2023.tar", "swiftshader.tar", "fonts.tar"]) {
  await pipeline(
    createReadStream(`${from}/${name}.br`),
    createBrotliDecompress(),
    createWriteStream(`unpacked/${name}`),
  );
  if (name.endsWith(".tar")) {
    const done = spawnSync("tar", ["-xf", name], { cwd: "unpacked", stdio: "inherit" });
    if (done.status !== 0) process.exit(1);
  }
}
chmodSync("unpacked/chromium", 0o755);
