#include "base/file.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <thread>

namespace relay {
namespace {

class File : public testing::Test {
 protected:
  File() {
    std::string pattern = (std::filesystem::temp_directory_path() / "relay-file-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
    folder = pattern;
  }
  ~File() override { std::filesystem::remove_all(folder); }

  std::filesystem::path write(const std::string& name, std::string_view content) const {
    const auto path = folder / name;
    auto file = open_file(path, O_WRONLY | O_CREAT | O_TRUNC);
    EXPECT_TRUE(file) << file.error().message;
    EXPECT_TRUE(write_all(file->get(), content));
    EXPECT_TRUE(sync_file(file->get(), path));
    return path;
  }

  std::filesystem::path folder;
};

TEST_F(File, WhatWasWrittenIsRead) {
  const std::string content = std::string("MSH|^~\\&|\r\0x", 12) + std::string(200'000, 'p');
  const auto read = read_file(write("a", content));
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, content);
  EXPECT_EQ(*read_file(write("empty", "")), "");
}

TEST_F(File, TheLimitIsExact) {
  const auto path = write("a", "12345");
  EXPECT_EQ(*read_file(path, ByteCount{5}), "12345");
  const auto read = read_file(path, ByteCount{4});
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().error_number, EFBIG);
}

TEST_F(File, AMissingFileIsNamedWithTheReason) {
  const auto read = read_file(folder / "missing");
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().error_number, ENOENT);
  EXPECT_EQ(read.error().message, "can't open " + (folder / "missing").string() + ": No such file or directory");
}

TEST_F(File, AFolderIsNoFile) {
  const auto read = read_file(folder);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().error_number, EISDIR);
}

TEST_F(File, DescriptorsAreNotInherited) {
  const auto file = open_file(write("a", "x"), O_RDONLY);
  ASSERT_TRUE(file);
  EXPECT_NE(::fcntl(file->get(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST_F(File, ADescriptorIsClosedOnceByItsLastOwner) {
  auto file = open_file(write("a", "x"), O_RDONLY);
  ASSERT_TRUE(file);
  const int number = file->get();
  {
    FileDescriptor owner = std::move(*file);
    EXPECT_FALSE(file->valid());
    EXPECT_EQ(owner.get(), number);
  }
  EXPECT_EQ(::fcntl(number, F_GETFD), -1);
  EXPECT_EQ(errno, EBADF);
}

TEST_F(File, FoldersCanBeSynced) {
  EXPECT_TRUE(sync_folder(folder));
  EXPECT_FALSE(sync_folder(folder / "missing"));
  EXPECT_FALSE(sync_folder(write("a", "x")));
}

TEST_F(File, LongWritesIntoAPipeAreWhole) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  FileDescriptor reading(ends[0]);
  FileDescriptor writing(ends[1]);
  const std::string content(1'000'000, 'x');
  std::string got;
  std::jthread reader([&] {
    char buffer[4096];
    for (ssize_t n = 0; (n = ::read(reading.get(), buffer, sizeof buffer)) > 0;)
      got.append(buffer, static_cast<std::size_t>(n));
  });
  EXPECT_TRUE(write_all(writing.get(), content));
  writing.reset();
  reader.join();
  EXPECT_EQ(got, content);
}

TEST_F(File, AFailedWriteSaysWhy) {
  const auto path = write("a", "x");
  const auto file = open_file(path, O_RDONLY);
  const auto written = write_all(file->get(), "y");
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().error_number, EBADF);
}

}  // namespace
}  // namespace relay
