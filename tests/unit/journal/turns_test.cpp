// The order of deliveries: of those with one key the oldest alone can be claimed, whatever happens, and nobody waits
// for what is over.
#include <algorithm>
#include <random>

#include "journal/reading_pool.hpp"
#include "operator_fixture.hpp"

namespace relay {
namespace {

using enum SubmissionAction;

class TurnsTest : public OperatorTest {
 protected:
  NewSubmission ordered(const std::string& key, OnDeadLetter on_dead_letter = OnDeadLetter::go_on,
                        DeliveryOrder::Kind kind = DeliveryOrder::Kind::client) {
    NewSubmission made =
        small("payload " + std::to_string(++made_), kind == DeliveryOrder::Kind::client ? key : "lab.a");
    made.order = DeliveryOrder{kind, key, on_dead_letter};
    return made;
  }
  SubmissionId append_ordered(const std::string& key, OnDeadLetter on_dead_letter = OnDeadLetter::go_on) {
    return append_ok(ordered(key, on_dead_letter));
  }
  std::vector<SubmissionId> claimable(const std::string& destination = "cloud") {
    std::vector<SubmissionId> found;
    const auto claims = journal->claim(destination, 100);
    for (const Claim& claim : claims) found.push_back(claim.submission.id);
    for (const Claim& claim : claims) journal->release(claim.token);
    return found;
  }
  std::vector<SubmissionId> blocked_by() { return journal->snapshot()->destinations["cloud"].blocked_by; }
  using Ids = std::vector<SubmissionId>;

 private:
  int made_ = 0;
};

TEST_F(TurnsTest, OneAfterAnotherOfAClientAndOthersBeside) {
  open();
  const auto a1 = append_ordered("lab.a");
  const auto a2 = append_ordered("lab.a");
  const auto b1 = append_ordered("lab.b");
  const auto loose = append_ok(small("in no order", "lab.a"));
  EXPECT_EQ(claimable(), (Ids{a1, b1, loose}));
  EXPECT_EQ(delivery_of(a2, "cloud").waits_for, a1);
  EXPECT_FALSE(delivery_of(a2, "cloud").next_attempt_at);
  EXPECT_FALSE(delivery_of(a1, "cloud").waits_for);
  EXPECT_EQ(blocked_by(), Ids{a1});
  ASSERT_TRUE(settle(claim_one().token, delivered()).ok());
  EXPECT_EQ(claimable(), (Ids{a2, b1, loose}));
  EXPECT_EQ(blocked_by(), Ids());
  expect_sound();
}

TEST_F(TurnsTest, WhoseTurnHasComeIsClaimedBehindTheAnswerBeforeWhatWasReadAhead) {
  open();
  append_ordered("lab.a");
  const auto a2 = append_ordered("lab.a");
  append_ordered("lab.b");
  EXPECT_EQ(claimable().size(), 2u);  // from now on the next one is read with it
  std::promise<std::vector<Claim>> behind;
  journal->settle(claim_one().token, delivered(),
                  [&](Result<void, SettleRefusal>) { behind.set_value(journal->claim("cloud", 1)); });
  const auto claims = behind.get_future().get();
  ASSERT_EQ(claims.size(), 1u);
  EXPECT_EQ(claims.front().submission.id, a2);
  expect_sound();
}

TEST_F(TurnsTest, WhatIsTriedAgainIsStillBefore) {
  open();
  const auto first = append_ordered("lab.a");
  append_ordered("lab.a");
  const WallTime later = clock.wall_now() + std::chrono::seconds(60);
  ASSERT_TRUE(settle(claim_one().token, try_again(Outcome::try_later, later)).ok());
  EXPECT_EQ(claimable(), Ids()) << "the second one overtook the first, which waits";
  EXPECT_EQ(blocked_by(), Ids{first});
  reopen();
  EXPECT_EQ(claimable(), Ids());
  clock.advance(std::chrono::seconds(60));
  EXPECT_EQ(claimable(), Ids{first});
  expect_sound();
}

TEST_F(TurnsTest, ADeadLetterLetsTheNextOneComeUnlessItStopsTheOthers) {
  open();
  append_ordered("lab.a");
  const auto a2 = append_ordered("lab.a");
  const auto s1 = append_ordered("lab.s", OnDeadLetter::stop);
  const auto s2 = append_ordered("lab.s", OnDeadLetter::stop);
  for (Claim& claim : journal->claim("cloud", 2)) ASSERT_TRUE(settle(claim.token, refused()).ok());
  EXPECT_EQ(claimable(), Ids{a2});
  EXPECT_EQ(delivery_of(s2, "cloud").waits_for, s1);
  EXPECT_EQ(blocked_by(), Ids{s1});
  reopen();
  const auto s3 = append_ordered("lab.s", OnDeadLetter::stop);
  EXPECT_EQ(claimable(), Ids{a2});
  // Sent again at its place, before those that waited for it.
  EXPECT_CHANGED(act(retry, s1), 1);
  EXPECT_EQ(claimable(), (Ids{a2, s1}));
  const auto both = journal->claim("cloud", 2);
  journal->release(both.at(0).token);
  ASSERT_TRUE(settle(both.at(1).token, delivered()).ok());
  EXPECT_EQ(claimable(), (Ids{a2, s2}));
  EXPECT_EQ(delivery_of(s3, "cloud").waits_for, s2);
  expect_sound();
}

TEST_F(TurnsTest, WhatAnOperatorEndsOrMovesBlocksNobody) {
  open();
  std::vector<SubmissionId> made;
  for (int i = 0; i < 5; ++i) made.push_back(append_ordered("lab.a", OnDeadLetter::stop));
  EXPECT_CHANGED(act(discard, made[0], std::nullopt, "not wanted"), 1);
  EXPECT_EQ(claimable(), Ids{made[1]});
  EXPECT_CHANGED(act(set_aside, made[1]), 1);
  EXPECT_EQ(claimable(), Ids{made[2]}) << "what was set aside must block nobody";
  EXPECT_CHANGED(redirect({made[2]}), 1);
  EXPECT_EQ(claimable(), Ids{made[3]});
  EXPECT_EQ(claimable("archive"), Ids{made[2]});
  ASSERT_TRUE(settle(claim_one().token, refused()).ok());
  EXPECT_EQ(claimable(), Ids());
  EXPECT_CHANGED(act(discard, made[3], std::nullopt, "given up"), 1);
  EXPECT_EQ(claimable(), Ids{made[4]});
  // One from the middle, while it waits.
  const auto last = append_ordered("lab.a");
  EXPECT_CHANGED(act(set_aside, last), 1);
  EXPECT_EQ(claimable(), Ids{made[4]});
  expect_sound();
}

TEST_F(TurnsTest, WhatWasSetAsideStopsOthersAgainOnceItIsRetried) {
  open();
  const auto first = append_ordered("lab.a", OnDeadLetter::stop);
  const auto second = append_ordered("lab.a", OnDeadLetter::stop);
  EXPECT_CHANGED(act(set_aside, first), 1);
  EXPECT_CHANGED(act(retry, first), 1);
  EXPECT_EQ(claimable(), Ids{first}) << "the second one wasn't in flight: it waits behind what was put back";
  ASSERT_TRUE(settle(claim_one().token, refused()).ok());
  EXPECT_EQ(claimable(), Ids());
  EXPECT_EQ(delivery_of(second, "cloud").waits_for, first);
  expect_sound();
}

TEST_F(TurnsTest, ACorruptOneBlocksNobody) {
  open();
  append_ordered("lab.a", OnDeadLetter::stop);
  const auto second = append_ordered("lab.a", OnDeadLetter::stop);
  Settlement corrupt = refused();
  corrupt.attempt.error->kind = ErrorKind::corrupt;
  ASSERT_TRUE(settle(claim_one().token, corrupt).ok());
  EXPECT_EQ(claimable(), Ids{second});
  expect_sound();
}

TEST_F(TurnsTest, WhatIsPutBackComesBeforeWhatIsntInFlight) {
  open();
  const auto first = append_ordered("lab.a");
  ASSERT_TRUE(settle(claim_one().token, refused()).ok());
  const auto second = append_ordered("lab.a");
  const auto third = append_ordered("lab.a");
  const Claim in_flight = claim_one();
  EXPECT_CHANGED(act(retry, first), 1);
  EXPECT_EQ(claimable(), Ids{first}) << "its place is before the one in flight, which nobody can take back";
  ASSERT_TRUE(settle(in_flight.token, delivered()).ok());
  EXPECT_EQ(claimable(), Ids{first});
  EXPECT_EQ(delivery_of(third, "cloud").waits_for, first);
  ASSERT_TRUE(settle(claim_one().token, delivered()).ok());
  EXPECT_EQ(claimable(), Ids{third});
  EXPECT_CHANGED(act(resend, second), 1);
  EXPECT_EQ(claimable(), Ids{second});
  expect_sound();
}

TEST_F(TurnsTest, AnOrderNumberGoesOverClientsAndOthersBesideIt) {
  open();
  const auto by_number = [&](const std::string& number, const std::string& client) {
    NewSubmission made = ordered(number, OnDeadLetter::go_on, DeliveryOrder::Kind::order_number);
    made.submission.client = client;
    return append_ok(std::move(made));
  };
  const auto first = by_number("4711^LIS", "lab.a");
  const auto second = by_number("4711^LIS", "lab.b");
  const auto other = by_number("4712^LIS", "lab.a");
  const auto client = append_ordered("4711^LIS");
  EXPECT_EQ(claimable(), (Ids{first, other, client}));
  EXPECT_EQ(delivery_of(second, "cloud").waits_for, first);
  const auto claims = journal->claim("cloud", 3);
  EXPECT_FALSE(claims[0].order_number.empty());
  EXPECT_NE(claims[0].order_number, claims[1].order_number);
  EXPECT_TRUE(claims[2].order_number.empty()) << "ordered by its client";
}

TEST_F(TurnsTest, EachDestinationHasItsOwnOrder) {
  open();
  NewSubmission one = ordered("lab.a");
  one.destinations = {"cloud", "archive"};
  const auto first = append_ok(std::move(one));
  NewSubmission two = ordered("lab.a");
  two.destinations = {"cloud", "archive"};
  const auto second = append_ok(std::move(two));
  ASSERT_TRUE(settle(claim_one("archive").token, delivered()).ok());
  EXPECT_EQ(claimable("archive"), Ids{second});
  EXPECT_EQ(claimable("cloud"), Ids{first});
}

TEST_F(TurnsTest, ProbesTakeNothingThatWaitsForItsTurn) {
  open();
  append_ordered("lab.a", OnDeadLetter::stop);
  append_ordered("lab.a", OnDeadLetter::stop);
  append_ordered("lab.a", OnDeadLetter::stop);
  const Claim first = claim_one();
  EXPECT_FALSE(journal->claim_probe("cloud", {.end = ClaimEnd::newest}));
  EXPECT_FALSE(journal->claim_probe("cloud", {.client = "lab.a"}));
  EXPECT_EQ(journal->waiting_clients("cloud", 10), std::vector<std::string>());
  EXPECT_FALSE(journal->next_due("cloud"));
  ASSERT_TRUE(settle(first.token, refused()).ok());
  EXPECT_FALSE(journal->claim_probe("cloud", {}));
  EXPECT_EQ(journal->waiting_clients("cloud", 10), std::vector<std::string>());
  expect_sound();
}

TEST_F(TurnsTest, NothingOfAKeyStandsInTheFile) {
  open();
  append_ok(ordered("ORDER-NUMBER-OF-JANE", OnDeadLetter::go_on, DeliveryOrder::Kind::order_number));
  close();
  std::ostringstream all;
  for (const char* suffix : {"", "-wal"}) all << std::ifstream(options.path + suffix, std::ios::binary).rdbuf();
  EXPECT_NE(all.str().find("payload 1"), std::string::npos);
  EXPECT_EQ(all.str().find("ORDER-NUMBER-OF-JANE"), std::string::npos);
}

TEST_F(TurnsTest, TheOrderHoldsWhileEncryptionIsTurnedOn) {
  open();
  const auto first = append_ordered("lab.a");
  close();
  options.encryption_keys.emplace_back(std::string(32, 'k'));
  open();
  const auto second = append_ordered("lab.a");
  EXPECT_EQ(claimable(), Ids{first});
  ASSERT_TRUE(settle(claim_one().token, delivered()).ok());
  EXPECT_EQ(claimable(), Ids{second});
}

TEST_F(TurnsTest, VerifyNamesOneThatNobodyWillLetCome) {
  open();
  append_ordered("lab.a");
  const auto second = append_ordered("lab.a");
  close();
  Connection(options.path, Connection::Mode::write, "").execute("UPDATE delivery SET order_key = x'01' WHERE due = -1");
  const auto findings = verify_findings();
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_TRUE(findings[0].starts_with("state " + second.text())) << findings[0];
}

// However many wait behind a client, a claim and a probe look at a few rows.
TEST_F(TurnsTest, NoScanBehindABlockedClient) {
  open();
  append_ordered("lab.a", OnDeadLetter::stop);
  std::vector<std::future<Result<Appended, AppendRefusal>>> appended;
  for (int i = 0; i < 5'000; ++i) appended.push_back(append_later(ordered("lab.a")));
  for (auto& one : appended) ASSERT_TRUE(one.get().ok());
  ASSERT_TRUE(settle(claim_one().token, refused()).ok());
  const auto loose = append_ok(small("loose", "lab.z"));
  JournalReader reader(options.path, "");
  static int steps = 0;
  constexpr int every = 10;
  sqlite3_progress_handler(
      reader.connection.handle(), every,
      [](void*) {
        steps += every;
        return 0;
      },
      nullptr);
  const auto steps_of = [&](const std::function<void()>& query) {
    steps = 0;
    query();
    return steps;
  };
  const std::int64_t cloud = 2;
  EXPECT_LT(steps_of([&] { EXPECT_EQ(reader.claims.due(cloud, clock.wall_now(), 16, {}).size(), 1u); }), 500);
  EXPECT_LT(steps_of([&] { EXPECT_EQ(reader.claims.probe(cloud, {}, {})->claim.submission.id, loose); }), 500);
  EXPECT_LT(steps_of([&] { EXPECT_FALSE(reader.claims.probe(cloud, {.client = "lab.a"}, {})); }), 500);
  EXPECT_LT(steps_of([&] { EXPECT_EQ(reader.claims.waiting_clients(cloud, 10, {}).size(), 1u); }), 500);
  EXPECT_LT(steps_of([&] { EXPECT_FALSE(reader.claims.next_due(cloud, {})); }), 200);
  EXPECT_LT(steps_of([&] { EXPECT_EQ(reader.turns.blocking(cloud, 20).size(), 1u); }), 500);
}

// The property: among deliveries of a key that were never dead_letter, resent or redirected, what was accepted first
// arrived first; and at the end nothing waits but behind a dead letter that stops it.
class TurnsPropertyTest : public TurnsTest, public testing::WithParamInterface<unsigned> {};

TEST_P(TurnsPropertyTest, WhatWasAcceptedFirstArrivesFirst) {
  open();
  std::mt19937 random(GetParam());
  struct Known {
    SubmissionId id;
    std::string key;
    bool touched = false;  // it was a dead letter, or an operator's
  };
  std::vector<Known> known;
  std::map<SubmissionId, std::size_t> place;
  std::vector<Claim> held;
  std::map<std::string, std::vector<std::size_t>> arrived;
  const auto arrive = [&](const Claim& claim) {
    const Known& one = known[place.at(claim.submission.id)];
    if (!one.touched) arrived[one.key].push_back(place.at(claim.submission.id));
  };
  const auto settle_one = [&](const Claim& claim, bool calm) {
    switch (calm ? 9 : random() % 10) {
      case 0:
        ASSERT_TRUE(settle(claim.token, refused()).ok());
        known[place.at(claim.submission.id)].touched = true;
        return;
      case 1:
      case 2:
        ASSERT_TRUE(settle(claim.token, try_again(Outcome::broken)).ok());
        return;
      case 3:
        ASSERT_TRUE(
            settle(claim.token, try_again(Outcome::try_later, clock.wall_now() + std::chrono::seconds(random() % 30)))
                .ok());
        return;
      case 4:
        return journal->release(claim.token);
      default:
        arrive(claim);
        ASSERT_TRUE(settle(claim.token, delivered()).ok());
    }
  };
  for (int step = 0; step < 700; ++step) {
    const auto what = random() % 100;
    if (what < 35) {
      const std::string key = "lab." + std::to_string(random() % 4);
      const auto id = append_ordered(key, key == "lab.3" ? OnDeadLetter::stop : OnDeadLetter::go_on);
      place[id] = known.size();
      known.push_back({id, key, false});
    } else if (what < 60) {
      for (Claim& claim : journal->claim("cloud", 1 + random() % 3)) held.push_back(std::move(claim));
    } else if (what < 62) {
      if (auto probe = journal->claim_probe("cloud", {.end = random() % 2 ? ClaimEnd::newest : ClaimEnd::oldest})) {
        held.push_back(std::move(*probe));
      }
    } else if (what < 63) {
      // What is in flight is forgotten by a crash; the destination may have taken it.
      for (const Claim& claim : held) {
        if (random() % 2 == 0) arrive(claim);
      }
      held.clear();
      reopen();
    } else if (what < 72 && !known.empty()) {
      Known& one = known[random() % known.size()];
      const std::array actions = {retry, resend, set_aside, discard};
      if (act(actions[random() % actions.size()], one.id, std::nullopt, "at random").ok()) one.touched = true;
    } else if (!held.empty()) {
      const std::size_t which = random() % held.size();
      const Claim claim = held[which];
      held.erase(held.begin() + static_cast<std::ptrdiff_t>(which));
      settle_one(claim, false);
    }
    clock.advance(std::chrono::milliseconds(random() % 3000));
  }
  // Everybody is given up on who stops others; then all the rest must come.
  for (const Claim& claim : held) journal->release(claim.token);
  for (int round = 0; round < 10'000 && journal->snapshot()->destinations["cloud"].queued > 0; ++round) {
    clock.advance(std::chrono::seconds(60));
    const auto claims = journal->claim("cloud", 4);
    for (const Claim& claim : claims) settle_one(claim, true);
    if (!claims.empty()) continue;
    const auto blocking = blocked_by();
    ASSERT_FALSE(blocking.empty()) << "something waits, and nothing says for what";
    ASSERT_EQ(delivery_of(blocking.front(), "cloud").state, DeliveryState::dead_letter)
        << "something waits for its turn in vain";
    EXPECT_CHANGED(act(discard, blocking.front(), std::nullopt, "the others wait"), 1);
  }
  EXPECT_EQ(journal->snapshot()->destinations["cloud"].queued, 0u) << "something waits for its turn in vain";
  for (const auto& [key, places] : arrived) {
    // A repeat after a crash is the same place again.
    EXPECT_TRUE(std::is_sorted(places.begin(), places.end())) << key << " arrived out of order";
  }
  expect_sound();
}

INSTANTIATE_TEST_SUITE_P(Seeds, TurnsPropertyTest, testing::Range(0u, 12u));

}  // namespace
}  // namespace relay
