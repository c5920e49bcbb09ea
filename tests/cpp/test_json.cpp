#include <gtest/gtest.h>

#include <cmath>

#include "model/json.hpp"

namespace fastae::json_test {

using saved::Damage;
using saved::Json;

TEST(Json, ReadsValuesOfEveryType) {
    const std::string text =
        " {\"a\": [1, -2.5e3, true, null], \"b\" : {\"tag\": \"x\"}, \"c\": Infinity}\n";
    const Json value = Json::parse(text);
    const std::vector<Json> items = value.member("a").items();
    ASSERT_EQ(items.size(), 4u);
    EXPECT_EQ(items[0].whole(), 1);
    EXPECT_EQ(items[0].number(), 1.0);
    EXPECT_EQ(items[1].number(), -2500.0);
    EXPECT_TRUE(items[2].truth());
    EXPECT_TRUE(items[3].is_null());
    EXPECT_TRUE(value.member("b").has_tag("tag"));
    EXPECT_FALSE(value.has_tag("a"));
    EXPECT_TRUE(value.member("b").member("tag").is("x"));
    EXPECT_EQ(value.member("c").number(), std::numeric_limits<double>::infinity());
    EXPECT_TRUE(Json::parse("[]").items().empty());
    EXPECT_TRUE(std::isnan(Json::parse("NaN").number()));
}

TEST(Json, ReadsNumbersToTheLastBit) {
    for (const double value : {0.1, 1e-308, 5e-324, 1.7976931348623157e308, -23.80458207449247}) {
        char text[40];
        std::snprintf(text, sizeof text, "%.17g", value);
        EXPECT_EQ(Json::parse(text).number(), value);
    }
}

TEST(Json, ReadsTexts) {
    EXPECT_EQ(Json::parse(R"("a\"\\\/\b\f\n\r\t")").text(), "a\"\\/\b\f\n\r\t");
    EXPECT_EQ(Json::parse(R"("\u0041\u00e9\u20AC\ud83d\ude00")").text(),
              "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
    for (const char* half : {R"("\ud83d")", R"("\ude00")", R"("\ud83d\u0041")", R"("\ud83dx")"}) {
        EXPECT_THROW(Json::parse(half).text(), Damage) << half;
    }
}

TEST(Json, RefusesWhatIsNone) {
    for (const char* text :
         {"",       " ",   "[",    "]",          "[1,]",         "[1 2]",       "{\"a\"}",
          "{1: 2}", "{,}", "[,1]", "01",         "1.",           ".5",          "1e",
          "-",      "+1",  "nul",  "\"",         "\"\\x\"",      "\"\\u12g4\"", "\"\\u12",
          "\"\n\"", "1 2", "[1]]", "{\"a\":1,}", "\"\xc3\xa9\"", "'a'",         "\"\\"}) {
        EXPECT_THROW(Json::parse(text), Damage) << text;
    }
}

TEST(Json, RefusesValuesOfOtherTypes) {
    const Json value = Json::parse(R"({"a": 1.5, "a ": "x", "n": 99999999999999999999})");
    EXPECT_THROW(value.items(), Damage);
    EXPECT_THROW(value.member("b"), Damage);
    EXPECT_THROW(value.member("a").whole(), Damage);
    EXPECT_THROW(value.member("n").whole(), Damage);
    EXPECT_THROW(value.member("a").text(), Damage);
    EXPECT_THROW(value.member("a").truth(), Damage);
    EXPECT_THROW(value.member("a").member("b"), Damage);
    EXPECT_THROW(value.member("a ").number(), Damage);
    EXPECT_THROW(Json::parse("1e999").number(), Damage);
    EXPECT_THROW(Json::parse(R"({"a": 1, "a": 2})").member("a"), Damage);
}

TEST(Json, HasALimitOfDepth) {
    const auto nested = [](std::size_t depth) {
        return std::string(depth, '[') + std::string(depth, ']');
    };
    EXPECT_NO_THROW(Json::parse(nested(Json::kMaxDepth)));
    EXPECT_THROW(Json::parse(nested(Json::kMaxDepth + 1)), Damage);
    EXPECT_THROW(Json::parse(std::string(10'000'000, '[')), Damage);
}

}  // namespace fastae::json_test
