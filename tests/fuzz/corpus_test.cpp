// Every input of the fuzz targets' corpora, in every build: seeds, and what once broke something.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "fuzz/targets.hpp"

namespace relay::fuzz {
namespace {

class Corpus : public testing::TestWithParam<Target> {};

TEST_P(Corpus, EveryInputPasses) {
  int inputs = 0;
  for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(RELAY_CORPUS) / GetParam().name)) {
    SCOPED_TRACE(entry.path());
    std::ifstream in(entry.path(), std::ios::binary);
    std::stringstream bytes;
    bytes << in.rdbuf();
    GetParam().run(bytes.str());
    ++inputs;
  }
  GetParam().run("");
  EXPECT_GT(inputs, 0);
}

INSTANTIATE_TEST_SUITE_P(Fuzz, Corpus, testing::ValuesIn(all),
                         [](const auto& target) { return std::string(target.param.name); });

}  // namespace
}  // namespace relay::fuzz
