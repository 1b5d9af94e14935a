using Streaming.Configuration;
using Streaming.Images;
using Streaming.Models;
using Streaming.Models.Offline;

if (args is ["import", .. var arguments])
    return await ImportCommand.RunAsync(arguments);

// The files of the page lie beside the program, wherever it is started from.
var builder = WebApplication.CreateBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });

builder.AddLogs();
builder.AddServer();
builder.AddOptions();
builder.Services.AddSingleton(TimeProvider.System);
builder.Services.AddModels(builder.Configuration,
    (services, options) => new OfflineChatClient(options.Offline.TokensPerSecond, options.Offline.Seed, services.GetRequiredService<TimeProvider>(),
        services.GetRequiredService<ImageMeter>(), options.Offline.SimulatedLatency));

// Hosted services start in this order and stop in the opposite one: who writes stops before what it writes through.
builder.Services.AddTelemetry();
builder.Services.AddDatabase();
builder.Services.AddNotifications();
builder.Services.AddMessages();
builder.Services.AddSubscriptions();
builder.Services.AddSessions();
builder.Services.AddWebSockets();
builder.Services.AddFiles();
builder.Services.AddPipelines();
builder.Services.AddTransforms();
builder.Services.AddStatus();
builder.AddAuthentication();
builder.Services.AddLimits();
builder.Services.AddHttpApi();
builder.Services.AddHostedService<StartupMessage>();

var app = builder.Build();
app.UseHttpApi();
app.MapHttpApi();
return await app.RunOrExplainAsync();
