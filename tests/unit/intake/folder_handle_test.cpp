#include "intake/folder_handle.hpp"

#include <gtest/gtest.h>
#include <sys/mount.h>

#include <cerrno>
#include <filesystem>

#include "unit/intake/folder_fixture.hpp"

namespace relay {
namespace {

class Handle : public ::testing::Test {
 protected:
  void SetUp() override {
    folder.put("lab.a/inner/a.hl7", "a");
    std::filesystem::create_directory(folder.beside() / "outside");
  }

  test::WatchedFolder folder;
};

TEST_F(Handle, OpensFoldersPartByPartAndTheFilesInThem) {
  const auto inner = folder.open().folder("lab.a/inner");
  ASSERT_TRUE(inner.ok());
  EXPECT_TRUE(inner->file("a.hl7").ok());
  const auto again = inner->folder("");
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->inode(), inner->inode());
  EXPECT_EQ(inner->file("b.hl7").error().error_number, ENOENT);
  EXPECT_EQ(folder.open().file("lab.a").error().error_number, EINVAL);
  EXPECT_EQ(folder.open().folder("lab.a/inner/a.hl7").error().error_number, ENOTDIR);
}

TEST_F(Handle, FollowsNoLinkWhereverOneStands) {
  std::filesystem::create_directory_symlink(folder.path() / "lab.a", folder.path() / "lab.linked");
  std::filesystem::create_directory_symlink("inner", folder.path() / "lab.a/linked");
  std::filesystem::create_symlink("a.hl7", folder.path() / "lab.a/inner/link.hl7");
  const FolderHandle root = folder.open();
  for (const char* each : {"lab.linked", "lab.linked/inner", "lab.a/linked"})
    EXPECT_EQ(root.folder(each).error().error_number, ELOOP) << each;
  EXPECT_EQ(root.folder("lab.a/inner")->file("link.hl7").error().error_number, ELOOP);
  EXPECT_EQ(root.made_folder("lab.linked").error().error_number, ELOOP);
  EXPECT_EQ(root.folder("lab.a/inner")->create("link.hl7", "x").error().error_number, EEXIST);
}

TEST_F(Handle, NeverLeadsUpwards) {
  const FolderHandle root = folder.open();
  for (const char* each : {"..", "../outside", "lab.a/../../outside", "lab.a/.."})
    EXPECT_EQ(root.folder(each).error().error_number, EXDEV) << each;
  EXPECT_EQ(root.file("lab.a/inner/a.hl7").error().error_number, EXDEV) << "a name is one part";
  EXPECT_EQ(root.create("../a.hl7", "x").error().error_number, EXDEV);
  EXPECT_TRUE(std::filesystem::is_empty(folder.beside() / "outside"));
}

// Also one of the same file system, where this may mount one.
TEST_F(Handle, EntersNoOtherMount) {
  const auto outside = folder.beside() / "outside";
  const auto inner = folder.path() / "lab.a/inner";
  const auto file = inner / "a.hl7";
  folder.put("b.hl7", "b");
  if (::mount((folder.path() / "b.hl7").c_str(), file.c_str(), nullptr, MS_BIND, nullptr) != 0)
    GTEST_SKIP() << "can't mount a folder on another";
  const auto bound_file = folder.open().folder("lab.a/inner")->file("a.hl7");
  ::umount(file.c_str());
  ASSERT_EQ(::mount(outside.c_str(), inner.c_str(), nullptr, MS_BIND, nullptr), 0);
  const auto bound_folder = folder.open().folder("lab.a/inner");
  ::umount(inner.c_str());
  EXPECT_EQ(bound_file.error().error_number, EXDEV);
  EXPECT_EQ(bound_folder.error().error_number, EXDEV);
  EXPECT_TRUE(folder.open().folder("lab.a/inner")->file("a.hl7").ok());
}

}  // namespace
}  // namespace relay
