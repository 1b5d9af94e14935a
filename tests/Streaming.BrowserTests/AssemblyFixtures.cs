using Streaming.BrowserTests;
using Xunit;

[assembly: AssemblyFixture(typeof(Chromium))]
