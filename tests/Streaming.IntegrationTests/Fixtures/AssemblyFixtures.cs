using Streaming.IntegrationTests.Fixtures;
using Xunit;

[assembly: AssemblyFixture(typeof(PostgresServer))]
