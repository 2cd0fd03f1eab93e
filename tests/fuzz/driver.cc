// Runs a fuzz target where there is no libFuzzer: on the files that are named, or on random bytes, the same ones in
// each run.
//
//   fuzz_state --runs N     fuzz_state FILE...
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <random>
#include <string>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

void RunOne(const std::string& bytes) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
}

void RunRandom(uint64_t runs) {
  constexpr size_t kLongest[] = {8, 16, 32, 256};  // few edits leave most of what is edited as it was
  std::mt19937_64 random(1);
  for (uint64_t run = 0; run < runs; ++run) {
    std::string bytes(random() % kLongest[run % std::size(kLongest)], '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    RunOne(bytes);
  }
  std::cout << runs << " random inputs\n";
}

void RunFile(const char* name) {
  std::ifstream file(name, std::ios::binary);
  if (!file) {
    std::cerr << "cannot read " << name << "\n";
    std::exit(EXIT_FAILURE);
  }
  RunOne(std::string(std::istreambuf_iterator<char>(file), {}));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 3 && std::string_view(argv[1]) == "--runs") {
    RunRandom(std::strtoull(argv[2], nullptr, 10));
  } else {
    for (int i = 1; i < argc; ++i) RunFile(argv[i]);
  }
}
