// Sessions of template ids, a line each: learns the first part of a file, judges the rest of it and
// all of another. For bench/sessions.py.
#include "mining/sessions.hpp"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace {

using Session = std::vector<quern::mining::TemplateId>;

std::vector<Session> sessions_of(const char* file) {
  std::vector<Session> sessions;
  std::ifstream lines(file);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    Session session;
    for (quern::mining::TemplateId id = 0; words >> id;) session.push_back(id);
    sessions.push_back(session);
  }
  return sessions;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: sessions_bench NORMAL ABNORMAL PERCENT_TO_LEARN\n");
    return 2;
  }
  const std::vector<Session> normal = sessions_of(argv[1]);
  const std::vector<Session> abnormal = sessions_of(argv[2]);
  const std::size_t learned = normal.size() * static_cast<std::size_t>(std::atoi(argv[3])) / 100;
  quern::mining::SessionProfile usual;
  std::size_t false_alarms = 0;
  std::size_t found = 0;
  for (std::size_t i = 0; i < normal.size(); ++i) {
    if (i < learned) {
      usual.learn(normal[i]);
    } else {
      false_alarms += usual.judge(normal[i]).empty() ? 0 : 1;
    }
  }
  for (const Session& session : abnormal) found += usual.judge(session).empty() ? 0 : 1;
  std::printf(
      "{\"learned\": %zu, \"normal\": %zu, \"false_alarms\": %zu, \"abnormal\": %zu, \"found\": "
      "%zu}\n",
      learned, normal.size() - learned, false_alarms, abnormal.size(), found);
  return 0;
}
