#include "intake/folder_note.hpp"

#include <gtest/gtest.h>

namespace relay {
namespace {

FolderNote note() {
  FolderNote made;
  made.watched = "/srv/out box";
  made.watched_inode = 18'446'744'073'709'551'615U;
  made.folder = "lab.a/today";
  made.name = "d\xE4 \n~2.hl7";
  made.marker = "";
  made.identity = {42, -1, 7, 1'790'000'000'000'000'000, 5};
  return made;
}

TEST(FolderNote, AnyNameComesBackAsItWas) {
  FolderNote made = note();
  for (const std::string marker : {"", "x.ok"}) {
    made.marker = marker;
    const auto read = parse_note(note_text(made));
    ASSERT_TRUE(read);
    EXPECT_EQ(read->watched, made.watched);
    EXPECT_EQ(read->watched_inode, made.watched_inode);
    EXPECT_EQ(read->folder, made.folder);
    EXPECT_EQ(read->name, made.name);
    EXPECT_EQ(read->marker, made.marker);
    EXPECT_EQ(read->identity, made.identity);
  }
}

TEST(FolderNote, WhatIsNoNoteIsNotTakenForOne) {
  const std::string whole = note_text(note());
  for (std::size_t length = 0; length < whole.size(); ++length) {
    const auto read = parse_note(whole.substr(0, length));
    // A number that lost its end is still one; every field must be there.
    if (read) {
      EXPECT_GT(length, whole.rfind(' '));
    }
  }
  EXPECT_FALSE(parse_note("2" + whole.substr(1)));
  EXPECT_FALSE(parse_note(whole + " 1"));
  EXPECT_FALSE(parse_note("1 zz 1 - - - 1 1 1 1 1"));
}

}  // namespace
}  // namespace relay
