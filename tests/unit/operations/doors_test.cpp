// Doors under a change of the configuration: what stays isn't touched, what is new opens first, what is gone ends by
// itself, and where something new can't open nothing has happened.
#include "operations/doors.hpp"

#include <algorithm>
#include <map>

#include <gtest/gtest.h>

namespace relay {
namespace {

using Names = std::vector<std::string>;

// What the doors of a test do; each address can be open once.
struct Street {
  Names events;
  std::map<std::string, bool> open;
  Names broken;
  std::string hanging{};
  std::map<std::string, std::string> troubles;
};

class StreetDoor final : public Door {
 public:
  StreetDoor(Street& street, std::string address) : street_(street), address_(std::move(address)) {}
  Result<void> start() override {
    if (std::ranges::find(street_.broken, address_) != street_.broken.end()) return fail("no such address");
    if (street_.open[address_]) return fail("in use");
    street_.open[address_] = true;
    street_.events.push_back("open " + address_);
    return {};
  }
  void stop(std::function<void()> drained) override {
    if (street_.open[address_]) street_.events.push_back("close " + address_);
    street_.open[address_] = false;
    if (address_ != street_.hanging) drained();
  }
  std::optional<std::string> trouble() const override {
    const auto found = street_.troubles.find(address_);
    return found == street_.troubles.end() ? std::nullopt : std::optional(found->second);
  }
  void close_all() override { street_.events.push_back("cut " + address_); }
  bool ended() const override { return address_ != street_.hanging; }

 private:
  Street& street_;
  const std::string address_;
};

class DoorsTest : public testing::Test {
 protected:
  DoorPlan plan(const std::string& address, const std::string& content, bool changes = true) {
    DoorPlan made;
    made.name = "http " + address;
    made.key = "key of " + address;
    made.print = sha256(content);
    made.make = [this, address] { return std::make_unique<StreetDoor>(street_, address); };
    if (changes)
      made.change = [this, address, content](Door&) { street_.events.push_back(address + " is " + content); };
    return made;
  }
  Result<Names> replace(std::vector<DoorPlan> plans) {
    street_.events.clear();
    return doors_.replace(std::move(plans), [this] { street_.events.push_back("switch"); });
  }

  Street street_;
  Doors doors_;
};

TEST_F(DoorsTest, WhatStaysGoesOnWhatIsNewOpensFirstWhatIsGoneClosesLast) {
  ASSERT_TRUE(doors_.open({plan("a:1", "x"), plan("b:2", "x"), plan("c:3", "x")}).ok());
  const auto replaced = replace({plan("a:1", "x"), plan("b:2", "y"), plan("d:4", "x")});
  ASSERT_TRUE(replaced.ok());
  EXPECT_EQ(*replaced, Names{});
  EXPECT_EQ(street_.events, (Names{"open d:4", "switch", "b:2 is y", "close c:3"}));
}

TEST_F(DoorsTest, SaysWhatTroublesThoseThatAreOpen) {
  ASSERT_TRUE(doors_.open({plan("a:1", "x"), plan("b:2", "x")}).ok());
  EXPECT_EQ(doors_.troubles(), Names{});
  street_.troubles["b:2"] = "nobody comes";
  EXPECT_EQ(doors_.troubles(), Names{"http b:2: nobody comes"});
  ASSERT_TRUE(replace({plan("a:1", "x")}).ok());
  EXPECT_EQ(doors_.troubles(), Names{}) << "it isn't open any more";
}

TEST_F(DoorsTest, WhereSomethingNewCantOpenNothingHasHappened) {
  ASSERT_TRUE(doors_.open({plan("a:1", "x")}).ok());
  street_.broken = {"e:5"};
  const auto replaced = replace({plan("a:1", "y"), plan("d:4", "x"), plan("e:5", "x")});
  ASSERT_FALSE(replaced.ok());
  EXPECT_EQ(replaced.error().message, "key of e:5: no such address");
  EXPECT_EQ(street_.events, (Names{"open d:4", "close d:4"}));
  EXPECT_TRUE(street_.open["a:1"]);
  street_.broken.clear();
  ASSERT_TRUE(replace({plan("a:1", "y"), plan("d:4", "x"), plan("e:5", "x")}).ok());
}

TEST_F(DoorsTest, ADoorThatCantChangeWhileItIsOpenClosesAndOpens) {
  ASSERT_TRUE(doors_.open({plan("a:1", "x", false)}).ok());
  ASSERT_TRUE(replace({plan("a:1", "x", false)}).ok());
  EXPECT_EQ(street_.events, Names{"switch"});
  ASSERT_TRUE(replace({plan("a:1", "y", false)}).ok());
  EXPECT_EQ(street_.events, (Names{"switch", "close a:1", "open a:1"}));
}

TEST_F(DoorsTest, ThePortOfALeavingDoorIsWaitedFor) {
  ASSERT_TRUE(doors_.open({plan("127.0.0.1:1", "x")}).ok());
  // As a kernel has it: every address and one address can't have the port at once.
  DoorPlan wider = plan("0.0.0.0:1", "x");
  wider.make = [this] { return std::make_unique<StreetDoor>(street_, "127.0.0.1:1"); };
  const auto replaced = replace({wider});
  ASSERT_TRUE(replaced.ok()) << replaced.error().message;
  EXPECT_EQ(street_.events, (Names{"switch", "close 127.0.0.1:1", "open 127.0.0.1:1"}));
}

TEST_F(DoorsTest, AStopClosesThoseThatAreOpenAndThoseThatWereClosing) {
  ASSERT_TRUE(doors_.open({plan("a:1", "x"), plan("b:2", "x")}).ok());
  ASSERT_TRUE(replace({plan("a:1", "x")}).ok());
  doors_.stop(std::chrono::steady_clock::now() + std::chrono::seconds(5));
  EXPECT_FALSE(street_.open["a:1"]);
  EXPECT_FALSE(street_.open["b:2"]);
}

TEST_F(DoorsTest, StoppingNamesTheDoorsThatHang) {
  street_.hanging = "b:2";
  ASSERT_TRUE(doors_.open({plan("a:1", "x"), plan("b:2", "x")}).ok());
  EXPECT_EQ(doors_.stop(std::chrono::steady_clock::now()), Names{"http b:2"});
}

}  // namespace
}  // namespace relay
