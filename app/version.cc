#include "app/version.h"

#include <absl/base/config.h>
#include <fmt/format.h>
#include <librdkafka/rdkafka.h>
#include <openssl/crypto.h>
#include <simdjson.h>
#include <spdlog/version.h>
#include <toml++/toml.h>
#include <zlib.h>
#include <zstd.h>

#include <CLI/Version.hpp>

namespace tidemark {
namespace {

std::string AbseilVersion() {
#ifdef ABSL_LTS_RELEASE_VERSION
  return fmt::format("{}.{}", ABSL_LTS_RELEASE_VERSION, ABSL_LTS_RELEASE_PATCH_LEVEL);
#else
  return "head";
#endif
}

}  // namespace

std::string Version() { return TIDEMARK_VERSION; }

std::string SimdKernel() { return simdjson::get_active_implementation()->name(); }

std::string VersionText() {
  std::string text = fmt::format("tidemark {}\n", Version());
  const auto line = [&](std::string_view name, const std::string& version) {
    text += fmt::format("  {:<10} {}\n", name, version);
  };
  line("librdkafka", rd_kafka_version_str());
  line("simdjson",
       fmt::format("{}.{}.{} ({})", int{simdjson::SIMDJSON_VERSION_MAJOR}, int{simdjson::SIMDJSON_VERSION_MINOR},
                   int{simdjson::SIMDJSON_VERSION_REVISION}, SimdKernel()));
  line("Abseil", AbseilVersion());
  line("toml++", fmt::format("{}.{}.{}", TOML_LIB_MAJOR, TOML_LIB_MINOR, TOML_LIB_PATCH));
  line("CLI11", CLI11_VERSION);
  line("fmt", fmt::format("{}.{}.{}", FMT_VERSION / 10000, FMT_VERSION / 100 % 100, FMT_VERSION % 100));
  line("spdlog", fmt::format("{}.{}.{}", SPDLOG_VER_MAJOR, SPDLOG_VER_MINOR, SPDLOG_VER_PATCH));
  line("zstd", ZSTD_versionString());
  line("zlib", zlibVersion());
  line("OpenSSL", OpenSSL_version(OPENSSL_VERSION_STRING));
  return text;
}

}  // namespace tidemark
