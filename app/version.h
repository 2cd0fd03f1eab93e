// What `tidemark --version` prints. Any thread.
#pragma once

#include <string>

namespace tidemark {

std::string Version();      // "0.1.0"
std::string SimdKernel();   // simdjson's kernel on this machine, e.g. "haswell"
std::string VersionText();  // tidemark and the libraries it runs with, one a line

}  // namespace tidemark
