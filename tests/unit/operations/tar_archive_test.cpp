// The archives of export and import: read back in any pieces, and nothing taken that isn't whole.
#include "operations/tar_archive.hpp"

#include <map>

#include <gtest/gtest.h>

namespace relay {
namespace {

struct Taken {
  std::map<std::string, std::string> files;
  bool ended = false;
  bool malformed = false;
};

Taken take(std::string_view archive, std::size_t step) {
  TarParser parser;
  Taken taken;
  std::string name;
  while (!archive.empty() && !taken.ended && !taken.malformed) {
    std::string_view piece = archive.substr(0, step);
    archive.remove_prefix(piece.size());
    for (bool more = true; more;) {
      switch (parser.next(piece)) {
        case TarParser::Event::need_more:
          more = false;
          break;
        case TarParser::Event::entry:
          name = parser.name();
          taken.files[name];
          break;
        case TarParser::Event::bytes:
          taken.files[name] += parser.piece();
          break;
        case TarParser::Event::entry_end:
          EXPECT_EQ(taken.files[name].size(), parser.size().value);
          break;
        case TarParser::Event::end:
          taken.ended = true;
          more = false;
          break;
        case TarParser::Event::malformed:
          taken.malformed = true;
          more = false;
          break;
      }
    }
  }
  return taken;
}

std::string file(const std::string& name, const std::string& content) {
  return tar_header(name, {content.size()}, WallTime{std::chrono::seconds(1'790'000'000)}) + content +
         tar_padding({content.size()});
}

const std::map<std::string, std::string> files = {
    {"a/metadata.json", "{}"}, {"a/payload.hl7", std::string(512, 'x')}, {"b", ""}, {"c", std::string(3000, 'y')}};

std::string whole() {
  std::string archive;
  for (const auto& [name, content] : files) archive += file(name, content);
  return archive + tar_end();
}

TEST(TarArchive, ComesBackInWhateverPieces) {
  for (const std::size_t step : {1U, 7U, 511U, 512U, 513U, 100'000U}) {
    const Taken taken = take(whole(), step);
    EXPECT_TRUE(taken.ended) << step;
    EXPECT_EQ(taken.files, files) << step;
  }
}

TEST(TarArchive, IsMadeOfWholeBlocks) {
  EXPECT_EQ(whole().size() % 512, 0U);
}

TEST(TarArchive, WhatIsCutIsNoEnd) {
  const std::string archive = whole();
  for (const std::size_t length : {std::size_t{100}, std::size_t{600}, archive.size() - 1024}) {
    EXPECT_FALSE(take(archive.substr(0, length), 512).ended) << length;
  }
}

TEST(TarArchive, DamageInAHeaderIsSeen) {
  for (const std::size_t at : {0U, 50U, 124U, 150U, 156U, 257U}) {
    std::string archive = whole();
    archive[at] = static_cast<char>(archive[at] ^ 1);
    EXPECT_TRUE(take(archive, 512).malformed) << at;
  }
  EXPECT_TRUE(take(std::string(2000, 'x'), 512).malformed);
}

TEST(TarArchive, FoldersAndExtensionsArePassedOver) {
  std::string folder = tar_header("folder/", {0}, WallTime{});
  std::string extension = tar_header("pax", {20}, WallTime{}) + std::string(20, 'p') + tar_padding({20});
  for (auto* block : {&folder, &extension}) {
    // Another type, with the checksum that this makes.
    const char type = block == &folder ? '5' : 'x';
    const unsigned sum = static_cast<unsigned>(std::stoul(block->substr(148, 6), nullptr, 8)) +
                         static_cast<unsigned>(type) - static_cast<unsigned>('0');
    (*block)[156] = type;
    char text[8];
    std::snprintf(text, sizeof text, "%06o", sum);
    block->replace(148, 6, text);
  }
  const Taken taken = take(folder + extension + file("a", "b") + tar_end(), 100);
  EXPECT_TRUE(taken.ended);
  EXPECT_EQ(taken.files, (std::map<std::string, std::string>{{"a", "b"}}));
}

TEST(TarArchive, ANameThatDoesNotFitIsABug) {
  EXPECT_THROW(tar_header(std::string(101, 'n'), {0}, WallTime{}), std::invalid_argument);
}

}  // namespace
}  // namespace relay
