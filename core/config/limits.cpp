// [limits]
#include <algorithm>
#include <array>
#include <charconv>

#include "core/config/duration.h"
#include "core/config/section.h"
#include "core/config/sections.h"

namespace otpgw::config {
namespace {

constexpr std::size_t kRatesMax = 4;  // of one limit: each is kept for each address
constexpr int64_t kCountMax = 1'000'000'000;
constexpr std::chrono::milliseconds kPeriodMin = std::chrono::seconds{1};

// "5/10m"
std::optional<Rate> parse_rate(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return {};
  Rate rate;
  const auto* const end = text.data() + slash;
  const auto [stop, error] = std::from_chars(text.data(), end, rate.count);
  const auto period = parse_duration(text.substr(slash + 1));
  if (error != std::errc{} || stop != end || rate.count < 1 || rate.count > kCountMax || !period) return {};
  rate.period = *period;
  if (rate.period < kPeriodMin || rate.period > kRatePeriodMax) return {};
  return rate;
}

Rates read_rates(const Section& section, std::string_view name, Rates fallback) {
  const Node* given = section.find(name);
  if (given == nullptr) return fallback;
  Rates rates;
  const auto texts = as_texts(*given).value();
  for (const auto& text : texts) {
    const auto rate = parse_rate(text);
    if (!rate) {
      section.refuse(name,
                     "expected texts like \"5/10m\": a number, a slash, and a time from 1s to 744h; got " +
                         shown(Node{text, {}}));
    }
    if (std::ranges::find(rates, rate->period, &Rate::period) != rates.end()) {
      section.refuse(name, "expected each time once; got " + shown(Node{text, {}}) + " beside another");
    }
    rates.push_back(*rate);
  }
  if (rates.size() > kRatesMax) {
    section.refuse(name, "expected at most " + std::to_string(kRatesMax) + " texts; got " +
                             std::to_string(rates.size()));
  }
  return rates;
}

// Of ISO 3166-1, and what numbering plans have besides: Ascension, Tristan da Cunha, Kosovo.
constexpr std::string_view kCountries =
    " AC AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS"
    " BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG"
    " EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR"
    " HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR"
    " LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG"
    " NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE"
    " SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TA TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ"
    " UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW";

bool is_country(const std::string& text) {
  return text.size() == 2 && kCountries.find(" " + text) != std::string_view::npos;
}

std::set<std::string, std::less<>> read_countries(const Section& section) {
  std::set<std::string, std::less<>> countries;
  const Node* given = section.find("countries");
  if (given == nullptr) return countries;
  const auto texts = as_texts(*given).value();
  for (const auto& text : texts) {
    if (!is_country(text)) {
      section.refuse(
          "countries",
          "expected two capital letters for each country (ISO 3166-1), like \"DE\" or \"GB\"; got " +
              shown(Node{text, {}}));
    }
    countries.insert(text);
  }
  return countries;
}

// Of a plug-in of somebody else's nothing is known here.
bool sends_to_phones(const std::string& name, const Node& section) {
  constexpr std::array kKinds = {"sms", "whatsapp", "voice"};
  if (name == "pinpoint_sms" || name == "kaleyra_sms" || name == "kaleyra_whatsapp") return true;
  const Node* kind = section.find("channel_kind");
  return kind != nullptr && std::ranges::count(kKinds, as_text(*kind).value_or("")) > 0;
}

std::optional<std::string> enabled_phone_provider(const Node& root) {
  for (const std::string kind : {"providers", "webhooks"}) {
    const Node* all = root.find(kind);
    if (all == nullptr) continue;
    for (const Member& member : *all->table()) {
      const auto* enabled = member.node.find("enabled");
      if (enabled != nullptr && as_boolean(*enabled).value_or(false) &&
          sends_to_phones(member.name, member.node)) {
        return kind + "." + member.name;
      }
    }
  }
  return {};
}

}  // namespace

Limits read_limits(const Node& root, const Places& places, Warnings& warnings) {
  const Section section(&root, "limits", "limits");
  Limits limits;
  limits.enforce = section.text("mode", "enforce") == "enforce";
  limits.address_sends = read_rates(section, "address_sends", limits.address_sends);
  limits.address_guesses = read_rates(section, "address_guesses", limits.address_guesses);
  limits.client_sends = read_rates(section, "client_sends", limits.client_sends);
  limits.namespace_sends = read_rates(section, "namespace_sends", limits.namespace_sends);
  limits.prefix_sends = read_rates(section, "prefix_sends", limits.prefix_sends);
  limits.ip_posts = read_rates(section, "ip_posts", limits.ip_posts);
  limits.prefix_digits = section.integer("prefix_digits", limits.prefix_digits);
  limits.countries = read_countries(section);
  limits.resend_cooldown = section.duration("resend_cooldown", limits.resend_cooldown);
  const auto provider = enabled_phone_provider(root);
  if (limits.countries.empty() && provider) {
    warnings.push_back(places.file + ": limits.countries: not set, so " + *provider +
                       " sends to all countries, also dear ones that you have no users in");
  }
  return limits;
}

}  // namespace otpgw::config
