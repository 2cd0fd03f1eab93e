// What generated traffic is made of: clients, places, pages, campaigns, rendered to JSON once. Built from tables and
// integers only, so it is the same everywhere. Immutable after construction: any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tidemark {

struct TrafficPage {
  std::string url;
  std::string full;   // the JourneyPage object
  std::string small;  // the same with its path alone
};

// Fragments that begin with a comma are members of the payload object; the others are what their name says.
struct TrafficProfiles {
  TrafficProfiles();

  std::vector<TrafficPage> pages;
  std::vector<std::string> clients;    // `,"userAgentString":…,"browser":{…},"device":{…}` of a web visitor
  std::vector<std::string> places;     // `,"geolocation":{…},"ipOrganization":…`
  std::vector<std::string> referrers;  // `,"referrer":{…}` of a visit's first page
  std::vector<std::string> campaigns;  // `,"mktCampaign":{…}`; the first is empty: most visits have none
  std::vector<std::string> phones;     // `,"app":{…},"device":{…},"sdkLibrary":{…},"networkConnectivity":{…}`
  std::vector<std::string_view> searches;
  std::vector<std::string_view> screens;
};

}  // namespace tidemark
